"""Guards the structure: floors, foreign keys, routes, sizes, and that the docs name every setting."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import Literal

import pytest
from django.apps import apps
from django.conf import settings
from pydantic import SecretStr

from searchsite.celery import app as celery_app
from searchsite.config import Config
from searchsite.ops import household

ROOT = Path(__file__).parent.parent
FLOORS = {
    "config": 0,
    "settings": 0,
    "accounts": 1,
    "jobs": 1,
    "inference": 1,
    "library": 2,
    "indexing": 3,
    "search": 4,
    "answers": 5,
    "quality": 5,
    "web": 6,
    "api": 6,
    "ops": 6,
}
MODULES = sorted(path for path in (ROOT / "searchsite").rglob("*.py") if "migrations" not in path.parts)
MAX_MODULE_LINES = 300
MAX_FUNCTION_LINES = 50
MAX_PARAMETERS = 6


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_each_room_imports_only_downwards() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_foreign_keys_point_downwards() -> None:
    upward = [
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        if model.__module__.startswith("searchsite.")
        for field in model._meta.get_fields()
        if field.is_relation and field.concrete and field.related_model.__module__.startswith("searchsite.")
        if FLOORS[field.related_model._meta.app_label] > FLOORS[model._meta.app_label]
    ]
    assert upward == []


def test_foreign_keys_do_not_cross_a_floor() -> None:
    crossing = [
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        if model.__module__.startswith("searchsite.")
        for field in model._meta.get_fields()
        if field.is_relation and field.concrete and field.related_model.__module__.startswith("searchsite.")
        if model._meta.app_label != field.related_model._meta.app_label
        and FLOORS[field.related_model._meta.app_label] == FLOORS[model._meta.app_label]
    ]
    assert crossing == []


def test_every_periodic_task_exists_and_has_a_queue() -> None:
    celery_app.loader.import_default_modules()
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert entry["task"] in celery_app.tasks
        assert entry["options"]["queue"] in (settings.CARE_QUEUE, settings.INDEX_QUEUE)


@pytest.mark.parametrize("preset", ["builtin", "openrouter"])
def test_each_queue_has_one_worker(preset: Literal["builtin", "openrouter"]) -> None:
    commands = [
        member.program.command for member in household.site(Config(preset=preset, inference_key=SecretStr("sk")))
    ]
    taken = [command[command.index("-Q") + 1].split(",") for command in commands if "-Q" in command]
    assert sorted(chain(*taken)) == sorted([*settings.JOB_QUEUES, settings.CARE_QUEUE, settings.INDEX_QUEUE])


def test_the_job_table_rings_a_task_that_exists() -> None:
    celery_app.loader.import_default_modules()
    assert settings.JOB_TASK in celery_app.tasks


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_has_one_subject(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MAX_MODULE_LINES
    assert ast.get_docstring(ast.parse(text)), "a module opens with a docstring"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_functions_are_small(path: Path) -> None:
    long = [node.name for node in functions(path) if node.end_lineno - node.lineno + 1 > MAX_FUNCTION_LINES]
    assert long == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_name_of_gettext_is_given_to_nothing_else(path: Path) -> None:
    """In a function that also assigns to `_`, calling it fails; only comprehensions have names of their own."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if not any(isinstance(node, ast.alias) and node.asname == "_" for node in ast.walk(tree)):
        return
    inside = {id(node) for each in ast.walk(tree) if isinstance(each, ast.comprehension) for node in ast.walk(each)}
    stored = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    assert [node.lineno for node in stored if node.id == "_" and id(node) not in inside] == []


def test_no_room_has_a_drawer() -> None:
    drawers = {"utils", "helpers", "common", "manager", "managers", "service", "services", "misc"}
    assert [str(path) for path in MODULES if path.stem in drawers] == []


def shown_default(name: str) -> str:
    """A default as the table of settings writes it."""
    default = Config.model_fields[name].default
    if default is None:
        return "not set"
    if isinstance(default, Path):
        return str(default.relative_to(ROOT))
    if isinstance(default, dict):
        return json.dumps(default)
    return ", ".join(default) or "none" if isinstance(default, list) else str(default)


def test_every_setting_is_documented_as_it_is() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = [
        f"| `{name.upper()}` | {shown_default(name)} | {one.description} |" for name, one in Config.model_fields.items()
    ]
    assert [row for row in rows if row not in text.splitlines()] == []
    assert sum(line.startswith("| `") for line in text.splitlines()) == len(rows)


def test_everything_that_is_stored_is_named() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("## What is stored")[1]
    ours = [model.__name__ for model in apps.get_models() if model.__module__.startswith("searchsite.")]
    assert [name for name in ours if name not in text.split("##")[0]] == []


def test_every_make_target_explains_itself() -> None:
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    targets = [line for line in lines if line[:1].isalpha() and ":" in line and "=" not in line.split(":")[0]]
    assert [line for line in targets if "##" not in line and "=" not in line] == []
