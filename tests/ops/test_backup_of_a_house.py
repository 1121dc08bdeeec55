"""A whole house is backed up while it runs, and restored over itself: the same command as on the day it is needed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import httpx
import pytest

from tests import house, servers
from tests.house import MANAGE, ROOT, House, wait_until

pytestmark = pytest.mark.long
TULIPS = {"text": "Tulips want sun and sand.", "title": "Tulips"}


def refused(home: House, *words: str) -> str:
    environment = {**os.environ, **home.environment}
    done = subprocess.run([*MANAGE, *words], env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    return done.stderr


def found(home: House, headers: dict[str, str], text: str) -> list[str]:
    answer = httpx.get(f"{home.base_url}/api/v1/search", params={"q": text}, headers=headers, timeout=30)
    return [hit["item"]["title"] for hit in answer.raise_for_status().json()["hits"]]


def test_a_house_is_backed_up_while_it_runs_and_restored_over_itself():
    with house.running(servers.directory() / "kept house") as home:
        headers = {"Authorization": f"Bearer {home.token()}"}
        httpx.post(f"{home.base_url}/api/v1/items", json=TULIPS, headers=headers, timeout=30).raise_for_status()
        wait_until(lambda: "Tulips" in found(home, headers, "flowers in the garden"))
        backups = home.directory / "backups"
        backups.mkdir()
        home.manage("backup", str(backups))
        (made,) = backups.iterdir()
        late = {"text": "This came too late.", "title": "Late"}
        httpx.post(f"{home.base_url}/api/v1/items", json=late, headers=headers, timeout=30).raise_for_status()
        assert "already runs" in refused(home, "restore", str(made))
        home.stop()
        said = home.manage("restore", str(made))
        assert "The old database was moved aside: searchsite_before_" in said
        home.again()
        # The token is a digest in the backup, so it goes on; what came later is aside.
        assert "Tulips" in found(home, headers, "flowers in the garden")
        assert found(home, headers, '"too late"') == []
        assert home.manage("doctor", "--integrity").strip() == "All is well."
        modes = {Path(home.data_dir / name): mode for name, mode in (("secret_key", 0o600), ("run", 0o700))}
        assert {path: path.stat().st_mode & 0o777 for path in modes} == modes
        assert "Deleted: searchsite_before_" in home.manage("restore", "--forget-old")


def test_a_house_that_is_stopped_is_backed_up_too():
    with house.running(servers.directory() / "closed house") as home:
        home.stop()
        said = home.manage("backup", str(home.directory / "kept"))
        assert "0 items" in said
        assert "is whole" in home.manage("restore", "--check", str(home.directory / "kept"))
