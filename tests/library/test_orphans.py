"""Files that nothing names any more are swept up, and no others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from searchsite.accounts.models import Team, User
from searchsite.indexing import upkeep
from searchsite.library import blobs, files, orphans
from searchsite.library.models import Blob
from tests.library import drawn
from tests.library.conftest import place, stored, take

EVERYWHERE = [f"{number:02x}" for number in range(256)]


def left(name: str, *, fresh: bool = False, folder: str = "ab/cd") -> Path:
    """A file that a crash left behind long ago, or just now."""
    path = files.media_root() / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"left")
    if not fresh:
        os.utime(path, (0, 0))
    return path


@pytest.mark.parametrize("name", ["abcd" + "0" * 60, "abcd" + "0" * 60 + ".480.webp", ".new-x7f"])
@pytest.mark.django_db
def test_what_no_row_names_is_swept_after_a_day(name: str) -> None:
    left(name, fresh=True)
    assert orphans.sweep(EVERYWHERE) == 0
    left(name)
    assert orphans.sweep(["ac"]) == 0
    assert orphans.sweep(["ab"]) == 1
    assert stored() == []


@pytest.mark.django_db
def test_the_files_of_another_database_stay() -> None:
    for number in range(orphans.A_FEW + 1):
        left(f"abcd{number:060x}")
    assert orphans.sweep(["ab"]) == 0
    assert len(stored()) == orphans.A_FEW + 1


def test_what_a_row_names_stays(alice: User, team: Team) -> None:
    blob = take(drawn.jpeg(), place(alice, team)).item.blob
    files.write_derivatives(blob, {480: b"derivative"})
    for path in files.original_path(blob).parent.iterdir():
        os.utime(path, (0, 0))
    left("README")
    assert orphans.sweep(EVERYWHERE) == 0
    assert len(stored()) == 3


def test_each_folder_has_its_turn_once_a_day_and_in_every_hour_some_time() -> None:
    day = [folder for hour in range(24) for folder in orphans.due(hour * 3600.0)]
    at_noon = {folder for number in range(64) for folder in orphans.due((24 * number + 12) * 3600.0)}
    assert set(day) == at_noon == set(EVERYWHERE)


@pytest.mark.django_db
def test_tidying_sweeps() -> None:
    for folder in EVERYWHERE:
        left(folder + "cd" + "0" * 60, folder=f"{folder}/cd")
    upkeep.tidy()
    assert len(stored()) == 256 - orphans.FOLDERS_AT_ONCE


def test_many_unused_rows_are_forgotten_at_once(team: Team) -> None:
    number = blobs.AT_ONCE + 1
    Blob.objects.bulk_create(
        Blob(team=team, sha256=f"{one:064x}", path="", size=1, media_type="image/png") for one in range(number)
    )
    assert blobs.forget_unused() == number
    assert not Blob.objects.exists()
