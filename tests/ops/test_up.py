"""`manage.py up`: one command starts everything, mends it, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import httpx
import psycopg
import pytest

from searchsite import config as configuration
from searchsite.config import ROOT
from searchsite.ops import postgres
from tests import figures, house
from tests.house import House, wait_until
from tests.library import drawn

CHILDREN = ["granian", "serve_inference", "valkey-server", "-n worker@", "-n reader@", " beat ", "postgres -D"]


@pytest.fixture
def home(running_house: House) -> House:
    return running_house


def up(home: House, **settings: str) -> subprocess.CompletedProcess[str]:
    """Another `up`, with the settings of a house that runs."""
    environment = {**os.environ, **home.environment, **settings}
    return subprocess.run(
        [*house.MANAGE, "up"], env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )


def ready(home: House) -> bool:
    try:
        answer = httpx.get(f"{home.base_url}/readyz", timeout=10)
    except httpx.HTTPError:
        return False
    return answer.status_code == 200 and answer.json()["degraded"] == []


def test_it_says_which_networks_there_are_and_which_answers(home):
    wait_until(lambda: house.READY in home.said, 60)
    assert "  Networks, PRESET=builtin:\n    embed   builtin at the embedded inference server\n" in home.said
    assert "    answer  none\n  answering: " in home.said
    assert "; configured: builtin\n" in home.said


def query(home: House, statement: str) -> object:
    config = configuration.load().model_copy(update={"data_dir": home.data_dir})
    with psycopg.connect(postgres.conninfo(config)) as connection:
        row = connection.execute(statement).fetchone()  # type: ignore[call-overload]
    return row[0] if row else None


def test_it_ends_with_the_address_and_a_password(home: House) -> None:
    assert f"http://localhost:{home.environment['PORT']}" in home.said
    assert len(home.admin_password) >= 12
    assert ready(home)


def test_the_password_is_in_no_log_of_the_house(home: House) -> None:
    logs = list((home.data_dir / "log").iterdir())
    assert len(logs) >= 8
    assert [log for log in logs if home.admin_password in log.read_text(errors="replace")] == []


def test_only_its_user_can_reach_the_sockets_and_the_data(home: House) -> None:
    for directory in (home.data_dir, home.data_dir / "run", home.data_dir / "postgres"):
        assert directory.stat().st_mode & 0o077 == 0, directory
    assert (home.data_dir / "postgres").stat().st_uid == os.getuid()


def sign_in(home: House, password: str) -> httpx.Client:
    """A browser that has tried to sign in."""
    browser = httpx.Client(base_url=home.base_url, timeout=30)
    browser.get("/accounts/login/").raise_for_status()
    form = {"login": "admin", "password": password, "csrfmiddlewaretoken": browser.cookies["csrf"]}
    browser.post("/accounts/login/", data=form)
    return browser


def put_in(home: House, secret: str) -> str:
    """Put a picture in by the API, wait until it was worked on, search, and delete it; returns the id."""
    with httpx.Client(base_url=home.base_url, headers={"Authorization": f"Bearer {secret}"}, timeout=60) as api:
        sent = api.post("/api/v1/items", files={"file": ("a b.jpg", drawn.jpeg(5))}).raise_for_status().json()
        address = f"/api/v1/items/{sent['id']}"
        wait_until(lambda: api.get(address).json()["status"] != "processing", 120)
        api.post("/api/v1/search", json={"query": "a red boat"})
        api.post("/api/v1/search", content=b"{", headers={"Content-Type": "application/json"})
        api.get(f"/api/v1/items/{sent['id']}x?token={secret[:4]}")
        api.delete(address).raise_for_status()
        return str(sent["id"])


def test_no_log_of_the_house_holds_what_opens_a_door(home: House) -> None:
    wait_until(lambda: ready(home))
    secret = home.token()
    browser, stranger = sign_in(home, home.admin_password), sign_in(home, "a wrong Qpassword")
    assert browser.get("/").status_code == 200 and stranger.get("/").status_code == 302
    kept = {browser.cookies["session"], browser.cookies["csrf"], stranger.cookies["csrf"]}
    put_in(home, secret)
    httpx.get(f"{home.base_url}/api/v1/items", headers={"Authorization": "Bearer ss_Qforged"})
    browser.post("/accounts/logout/", data={"csrfmiddlewaretoken": browser.cookies["csrf"]})
    browser.close()
    stranger.close()
    logs = {path: path.read_text(encoding="utf-8", errors="replace") for path in (home.data_dir / "log").glob("*.log")}
    wanted = {secret, home.admin_password, "Qpassword", "ss_Qforged", "Authorization", "sessionid", *kept}
    found = [(path.name, one) for path, log in logs.items() for one in wanted if one in log]
    size = sum(map(len, logs.values()))
    figures.keep(10, "secrets in the logs of a house", logs=len(logs), characters=size, found=len(found))
    assert found == [] and {"web.log", "worker.log"} <= {path.name for path in logs} and size > 0
    assert home.said.count(home.admin_password) <= 1 and secret not in home.said


def test_files_that_were_put_in_are_closed_to_others(home: House) -> None:
    wait_until(lambda: ready(home))
    put_in(home, home.token())
    media = Path(home.environment["MEDIA_ROOT"])
    files = [path for path in media.rglob("*") if path.is_file()]
    assert files and {path.stat().st_mode & 0o777 for path in files} == {0o640}
    assert all(path.stat().st_mode & 0o007 == 0 for path in [media, *media.rglob("*")])


def test_a_second_one_says_who_runs(home: House) -> None:
    second = up(home)
    assert second.returncode == 1
    assert f"process {home.running.pid}, http://localhost:{home.environment['PORT']}" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_taken_port_is_named(home: House) -> None:
    other = up(home, DATA_DIR=str(home.directory / "other"))
    assert other.returncode == 1
    assert f"Port {home.environment['PORT']}" in other.stderr
    assert "Traceback" not in other.stderr


def test_metrics_are_for_the_addresses_that_may(home: House) -> None:
    assert "searchsite_items" in httpx.get(f"{home.base_url}/metrics").text


@pytest.mark.parametrize("child", CHILDREN)
def test_a_killed_child_is_mended(home: House, child: str) -> None:
    wait_until(lambda: home.pids(child))
    before = home.pids(child)
    house.kill(before[0])
    wait_until(lambda: set(home.pids(child)) - set(before))
    wait_until(lambda: ready(home))
    wait_until(lambda: not set(before) & set(home.pids(child)))


def test_a_killed_supervisor_takes_everything_along_and_the_next_start_finds_the_data(home: House) -> None:
    users = query(home, "select count(*) from user_account")
    house.kill(home.running.pid)
    home.running.process.wait()
    wait_until(lambda: home.pids() == [], seconds=20)
    home.again()
    assert "Password" not in home.said
    assert query(home, "select count(*) from user_account") == users == 1


def test_everything_killed_at_once_is_followed_by_a_clean_start(home: House) -> None:
    for pid in [home.running.pid, *home.pids()]:
        house.kill(pid)
    home.running.process.wait()
    (home.data_dir / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n{home.data_dir}\n")
    home.again()
    assert ready(home)


def test_it_stops_within_seconds_and_leaves_no_process(home: House) -> None:
    began = time.monotonic()
    home.running.process.send_signal(signal.SIGTERM)
    assert home.running.process.wait(timeout=40) == 0
    assert time.monotonic() - began < 20
    assert "Stopped. What waits goes on" in home.log.read_text(encoding="utf-8")
    assert home.pids() == []
    assert not Path(home.data_dir, "postgres", "postmaster.pid").exists()
