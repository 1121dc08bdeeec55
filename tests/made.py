"""What tests put in: people, places, notes, and pictures drawn in memory."""

from __future__ import annotations

import io
from uuid import UUID

from PIL import Image, ImageDraw

from searchsite.accounts import teams
from searchsite.accounts.models import Team, User
from searchsite.indexing import plan, spaces, worker
from searchsite.indexing.models import Space
from searchsite.jobs.models import Lane
from searchsite.library import intake
from searchsite.library.intake import Place
from searchsite.library.models import Collection, Item
from searchsite.library.scope import Scope, scope_for


def person(name: str) -> User:
    return User.objects.create_user(name)


def team_of(owner: User, name: str = "garden") -> Team:
    return teams.create_team(name, owner)


def place(user: User, team: Team, collection: Collection | None = None) -> Place:
    chosen: UUID | None = collection.public_id if collection else None
    return intake.place_for(scope_for(user, team), chosen, lane=Lane.NORMAL)


def note(into: Place, text: str, title: str | None = None) -> Item:
    return intake.add_text(text, title=title, into=into).item


def drawn(colour: str, words: str = "", size: tuple[int, int] = (160, 120)) -> bytes:
    """A JPEG of one colour, with words on it."""
    picture = Image.new("RGB", size, colour)
    ImageDraw.Draw(picture).text((10, 10), words, fill="white")
    out = io.BytesIO()
    picture.save(out, "JPEG")
    return out.getvalue()


def picture(into: Place, colour: str = "red", title: str | None = None, words: str = "") -> Item:
    file = io.BytesIO(drawn(colour, words))
    return intake.add_file(file, f"{colour}.jpg", into=into, title=title).item


def work_through_everything() -> None:
    """Do all work that is due, as workers would."""
    while sum(worker.work(queue) for queue in plan.BATCH):
        pass


def active_space() -> Space:
    """The space that answers; there must be one."""
    space = spaces.active()
    assert space is not None
    return space


def rights_of(item: Item) -> Scope:
    """What the person who put the item in may do in its team."""
    assert item.created_by is not None
    return scope_for(item.created_by, item.team_id)
