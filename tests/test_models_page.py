"""docs/models.md says what is true: its settings, commands, files, presets and networks exist."""

from __future__ import annotations

import re
import shlex

import pytest
from django.core.management import get_commands

from searchsite.config import DIALECTS, ROOT, Config
from searchsite.inference.stages import stages_from
from searchsite.presets import NONE, PRESETS

PAGE = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
SETTING = re.compile(r"(?<![A-Z_])([A-Z][A-Z_]{3,})=")
FOREIGN = {"LLAMA_MEDIA_MARKER", "ARGS"}
BLOCKS = re.findall(r"```\n(.*?)```", PAGE, re.DOTALL)


def test_every_setting_on_the_page_exists():
    names = {name.removesuffix("_FILE") for name in SETTING.findall(PAGE)} - FOREIGN
    assert len(names) > 15
    assert names <= {name.upper() for name in Config.model_fields}


def test_every_setting_named_in_a_sentence_exists():
    named = set(re.findall(r"`([A-Z][A-Z]+_[A-Z_]+)`", PAGE)) - FOREIGN
    assert named <= {name.upper() for name in Config.model_fields}


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_and_its_networks_are_named(name):
    preset = PRESETS[name]
    assert f"`{name}`" in PAGE
    assert f"## Preset: {name}\n" in PAGE
    for network in (preset.embedder, preset.captioner, preset.reranker, preset.answerer):
        assert network == NONE or network in PAGE


def test_every_dialect_is_named():
    assert all(f"`{dialect}`" in PAGE for dialect in DIALECTS.split(", "))


@pytest.mark.parametrize("block", [block for block in BLOCKS if SETTING.search(block)])
def test_every_block_of_settings_can_be_taken_over(block, monkeypatch):
    lines = [line for line in block.splitlines() if re.match(r"[A-Z_]+=\S*( make run)?$", line)]
    given = dict(word.partition("=")[::2] for line in lines for word in shlex.split(line) if "=" in word)
    for name, value in given.items():
        monkeypatch.setenv(name, value.replace("https://...", "https://gateway.example"))
    if given.keys() - FOREIGN:
        assert stages_from(Config()).embed.network


def test_every_file_target_and_command_exists():
    for path in re.findall(r"docs/[\w/.]+\.(?:jinja|md)", PAGE):
        assert (ROOT / path).is_file(), path
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z][a-z-]+)", PAGE)) <= targets
    assert set(re.findall(r"manage\.py (\w+)", PAGE)) <= set(get_commands())
