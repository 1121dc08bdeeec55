"""`manage.py ingest` and `manage.py search`."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from searchsite.accounts import teams
from searchsite.accounts.models import User
from searchsite.library.models import Collection, Item

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(db) -> User:
    user = User.objects.create_user("alice")
    teams.create_team("garden", user)
    return user


@pytest.fixture
def folder(tmp_path: Path, alice: User) -> Path:
    (tmp_path / "deep" / ".hidden").mkdir(parents=True)
    for name, colour in (("red.png", "red"), ("deep/blue.png", "blue"), ("deep/.hidden/no.png", "teal")):
        file = BytesIO()
        Image.new("RGB", (16, 16), colour).save(file, "PNG")
        (tmp_path / name).write_bytes(file.getvalue())
    (tmp_path / "roses.txt").write_text("Roses want water.", encoding="utf-8")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG")
    return tmp_path


def titles() -> set[str]:
    return set(Item.objects.values_list("title", flat=True))


def test_it_takes_a_folder_and_names_what_it_could_not_take(folder, capsys) -> None:
    call_command("ingest", folder)
    said = capsys.readouterr().out
    assert titles() == {"red", "blue", "roses"}
    assert "4 of 4: 3 new, 0 known, 1 refused" in said
    assert f"{folder / 'broken.png'}: " in said.split("Refused:")[1]


def test_a_second_time_adds_nothing(folder, capsys) -> None:
    for _ in range(2):
        call_command("ingest", folder)
    assert "0 new, 3 known, 1 refused" in capsys.readouterr().out
    assert Item.objects.count() == 3


def test_it_makes_the_collection_once(folder) -> None:
    for path in ("red.png", "roses.txt"):
        call_command("ingest", folder / path, user="alice", collection="Garden walk")
    assert Collection.objects.get(name="Garden walk").items.count() == 2


def test_it_says_when_a_path_or_a_person_is_not_there(folder) -> None:
    with pytest.raises(CommandError, match=r"There is no .*nowhere"):
        call_command("ingest", folder / "nowhere")
    with pytest.raises(CommandError, match="no user named 'zoe'"):
        call_command("ingest", folder, user="zoe")


def test_a_viewer_puts_nothing_in(folder) -> None:
    call_command("ingest", folder / "red.png")
    vera = User.objects.create_user("vera")
    teams.add_member(Item.objects.get().team, vera, role="viewer")
    with pytest.raises(CommandError, match="may not"):
        call_command("ingest", folder / "roses.txt", user="vera")
    with pytest.raises(CommandError, match="may not"):
        call_command("ingest", folder / "roses.txt", user="vera", collection="New")
    assert not Collection.objects.filter(name="New").exists()


def test_search_prints_what_it_finds(folder, capsys) -> None:
    call_command("ingest", folder)
    call_command("search", "roses", "water")
    said = capsys.readouterr().out
    assert "  1. roses  [text" in said and "found in" in said


def test_a_question_too_long_is_refused(alice) -> None:
    with pytest.raises(CommandError, match="at most 2,000 characters"):
        call_command("search", "x" * 2001)
