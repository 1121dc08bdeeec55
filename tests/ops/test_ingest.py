"""`manage.py ingest` and `manage.py search`."""

from __future__ import annotations

import os
import signal
import threading
from io import BytesIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from searchsite.accounts import teams
from searchsite.accounts.models import Team, User
from searchsite.jobs.models import Lane
from searchsite.library import intake
from searchsite.library.models import Collection, Item, ItemTag
from searchsite.library.scope import scope_for
from searchsite.ops.gathering import gather
from searchsite.ops.ingesting import Wish, stopping, take
from searchsite.ops.management.commands.ingest import INTERRUPTED, SOME_REFUSED

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


def ingest(*paths: Path, **options: object) -> int:
    """Run the command; returns its exit status."""
    try:
        call_command("ingest", *paths, **options)
    except CommandError as error:
        return error.returncode
    return 0


def test_it_takes_a_folder_and_names_what_it_could_not_take(folder, capsys) -> None:
    assert ingest(folder) == SOME_REFUSED
    said = capsys.readouterr().out
    assert titles() == {"red", "blue", "roses"}
    assert "4 of 4: 3 new, 0 known, 1 refused" in said
    assert f"{folder / 'broken.png'}: " in said.split("Refused:")[1]
    assert "1 hidden left out" in said


def test_a_second_time_adds_nothing_and_writes_nothing(folder, capsys, settings) -> None:
    ingest(folder)
    before = {path: path.stat().st_mtime_ns for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()}
    ingest(folder)
    assert "0 new, 3 known, 1 refused" in capsys.readouterr().out
    assert Item.objects.count() == 3
    assert {path: path.stat().st_mtime_ns for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()} == before


def test_the_exit_status_says_how_it_went(folder) -> None:
    assert ingest(folder / "red.png") == 0
    assert ingest(folder / "red.png", folder / "broken.png") == SOME_REFUSED
    assert ingest(folder / "broken.png") == 1


def test_links_inside_a_folder_are_left_out_and_a_named_one_is_followed(folder, tmp_path_factory, capsys) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.txt").write_text("Not asked for.", encoding="utf-8")
    (folder / "deep" / "link.txt").symlink_to(outside / "secret.txt")
    (folder / "deep" / "around").symlink_to(folder)
    os.mkfifo(folder / "deep" / "pipe.txt")
    ingest(folder)
    assert titles() == {"red", "blue", "roses"}
    assert "2 links left out" in capsys.readouterr().out
    ingest(folder / "deep" / "link.txt")
    assert "link" in titles()


def test_files_are_tagged_where_that_is_asked_for(folder) -> None:
    ingest(folder)
    assert not ItemTag.objects.exists()
    ingest(folder, tag=["Garden Walk", "2026"], folder_tags=True)
    tagged = {
        name: set(Item.objects.get(title=name).item_tags.values_list("tag__name", flat=True)) for name in titles()
    }
    both = {"garden walk", "2026"}
    assert tagged == {"red": both, "roses": both, "blue": both | {"deep"}}


def test_trying_out_keeps_nothing(folder, capsys) -> None:
    (folder / "again.png").write_bytes((folder / "red.png").read_bytes())
    assert ingest(folder, dry_run=True, collection="New") == SOME_REFUSED
    assert "3 new, 1 known, 1 refused" in capsys.readouterr().out
    assert not Item.objects.exists()
    assert not Collection.objects.filter(name="New").exists()


def test_an_interrupt_finishes_the_file_at_hand_and_the_same_command_goes_on(folder, alice) -> None:
    into = intake.place_for(scope_for(alice, Team.objects.get()), None, lane=Lane.BULK)
    with stopping() as stop:
        for taken in take(gather([folder]).files, Wish(into, tags=("walk",)), stop=stop):
            if taken.new == 1:
                os.kill(os.getpid(), signal.SIGINT)
    assert (taken.done, Item.objects.count(), ItemTag.objects.count()) == (2, 1, 1)
    ingest(folder)
    assert titles() == {"red", "blue", "roses"}


def test_a_second_interrupt_ends_it_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), stopping() as stop:
        stop(signal.SIGINT, None)
        stop(signal.SIGINT, None)


def test_an_interrupted_command_says_where_it_stands(folder, capsys, alice) -> None:
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    many = folder / "many"
    many.mkdir()
    for number in range(400):
        (many / f"{number}.txt").write_text(f"Note number {number}.", encoding="utf-8")
    timer.start()
    assert ingest(many) == INTERRUPTED
    said = capsys.readouterr().out
    left = 400 - Item.objects.count()
    assert f"Stopped: {left} are left. The same command goes on from here." in said


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
    ingest(folder)
    call_command("search", "roses", "water")
    said = capsys.readouterr().out
    assert "  1. roses  [text" in said and "found in" in said


def test_a_question_too_long_is_refused(alice) -> None:
    with pytest.raises(CommandError, match="at most 2,000 characters"):
        call_command("search", "x" * 2001)
