"""The Dockerfile and compose.yaml, held to the code they start; no engine is needed for that."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command

from searchsite import config
from searchsite.accounts.models import User
from searchsite.config import ROOT, Config
from searchsite.ops import household

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
OURS = {name: service for name, service in COMPOSE["services"].items() if "build" in service}
SETTINGS = {name.upper() for name in Config.model_fields}


def test_what_the_image_copies_is_there_and_is_let_in():
    copied = [source for line in re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.M) for source in line.split()]
    let_in = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.M)
    assert sorted(copied) == sorted(let_in)
    assert all((ROOT / source).exists() for source in copied)


def test_the_image_runs_as_nobody_in_particular():
    *_, last = DOCKERFILE.split("\nFROM ")
    assert re.findall(r"^USER (\S+)$", last, re.M) == ["10001:10001"]
    assert "--require-hashes" in DOCKERFILE


def test_each_setting_that_compose_hands_on_is_one():
    handed = {name.removesuffix("_FILE") for service in OURS.values() for name in service["environment"]}
    image = set(re.findall(r"\b([A-Z_]+)=", DOCKERFILE.split("ENV PATH")[1].split("USER")[0])) & SETTINGS
    assert handed <= SETTINGS
    assert image == {"HOST", "PORT", "DATA_DIR", "MEDIA_ROOT"}


def test_empty_settings_mean_what_no_setting_means(monkeypatch: pytest.MonkeyPatch):
    usual = Config()
    for service in OURS.values():
        for name, value in service["environment"].items():
            default = re.fullmatch(r"\$\{[A-Z_]+:-(.*)\}", str(value))
            if default is not None and name not in ("ALLOWED_HOSTS", "BIND"):
                monkeypatch.setenv(name, default[1])
    assert Config() == usual


def test_each_program_of_the_house_has_a_service():
    commands = {tuple(service["command"]) for service in OURS.values()}
    assert commands == {("serve", name) for name in household.PROGRAMS} | {
        ("serve_inference",),
        ("prepare", "--password-file", "/run/secrets/admin_password"),
    }


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_service_has_no_more_rights_than_it_needs(name):
    service = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert ("ports" in service) == (name == "web")


def test_secrets_are_files_and_stand_in_no_environment():
    given = {secret for service in COMPOSE["services"].values() for secret in service.get("secrets", ())}
    assert given == set(COMPOSE["secrets"])
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    assert all(f"> secrets/{name}" in page for name in given)


@pytest.mark.django_db
def test_preparing_with_a_password_file_makes_the_first_user_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SAMPLE_LIBRARY", "false")
    config.load.cache_clear()
    for password in ("rather-long-and-odd", "another-one"):
        (tmp_path / "password").write_text(f"{password}\n")
        call_command("prepare", password_file=tmp_path / "password")
    assert User.objects.get().check_password("rather-long-and-odd")
    monkeypatch.undo()
    config.load.cache_clear()


def test_a_password_that_is_too_short_is_refused_before_anything_is_done(tmp_path: Path):
    (tmp_path / "password").write_text("short\n")
    with pytest.raises(CommandError, match="too short"):
        call_command("prepare", password_file=tmp_path / "password")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("prepare", password_file=tmp_path / "missing")


def test_a_program_that_is_not_one_is_refused():
    manage = [sys.executable, str(ROOT / "manage.py"), "serve", "kitchen"]
    refused = subprocess.run(manage, env=dict(os.environ), capture_output=True, text=True)
    assert refused.returncode != 0 and "invalid choice: 'kitchen'" in refused.stderr
