"""The sample library: pictures and notes that are there on the first start, so that there is something to find."""

from __future__ import annotations

from pathlib import Path

from searchsite.accounts.models import User
from searchsite.accounts.teams import membership_of
from searchsite.jobs.models import Lane
from searchsite.library import collections, intake
from searchsite.library.models import Collection
from searchsite.library.scope import scope_for

FOLDER = Path(__file__).with_name("sample_library")
COLLECTION = "Sample library"
ORDER = ("screenshots", "notes", "pictures")


def files() -> list[Path]:
    """Pictures and notes, what pleases most put in last; what says where they come from is not one of them."""
    found = [path for path in FOLDER.glob("*/*") if path.is_file() and not path.name.startswith(".")]
    return sorted(found, key=lambda path: (ORDER.index(path.parent.name), path.name))


def add_sample_library(user: User) -> int:
    """Put every sample into a collection of its own; those that are there already stay. Returns how many there are."""
    membership = membership_of(user)
    if membership is None:
        return 0
    team = membership.team
    collection = Collection.objects.filter(team=team, name=COLLECTION).first()
    if collection is None:
        collection = collections.create_collection(team, COLLECTION, maker=user)
    place = intake.place_for(scope_for(user, team), collection.public_id, lane=Lane.BULK)
    for path in files():
        with path.open("rb") as file:
            intake.add_file(file, path.name, into=place)
    return len(files())
