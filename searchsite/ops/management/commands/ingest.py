"""`manage.py ingest PATH...`: put files and whole folders in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from searchsite.accounts.models import Team, User
from searchsite.jobs.models import Lane
from searchsite.library import collections, intake
from searchsite.library.intake import Place
from searchsite.library.models import Collection
from searchsite.library.refusals import Refusal
from searchsite.library.scope import scope_for
from searchsite.ops.acting import person, plain_words, team_of

EVERY = 25


class Command(BaseCommand):
    """Takes what it can and says at the end what it could not take, and why."""

    help = "Put files and folders in. Files that are there already are left as they are."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a file or a folder")
        parser.add_argument("--user", help="user name of the person who puts them in (default: the first user)")
        parser.add_argument("--team", help="name of the team (default: the first the person joined)")
        parser.add_argument("--collection", help="name of the collection, made if it is new (default: the Inbox)")

    def handle(self, *args: Any, **options: Any) -> None:
        missing = [str(path) for path in options["paths"] if not path.exists()]
        if missing:
            raise CommandError(f"There is no {', '.join(missing)}.")
        with plain_words():
            user = person(options["user"])
            place = _place(user, team_of(user, options["team"]), options["collection"])
            self._take(sorted(set(_files(options["paths"]))), place)

    def _take(self, files: list[Path], place: Place) -> None:
        new, known, refused = 0, 0, list[str]()
        for number, path in enumerate(files, start=1):
            try:
                with path.open("rb") as file:
                    added = intake.add_file(file, path.name, into=place)
            except Refusal as refusal:
                refused.append(f"{path}: {refusal}")
            except OSError as error:
                refused.append(f"{path}: it cannot be read ({error.strerror}).")
            else:
                new, known = new + added.created, known + (not added.created)
            if number % EVERY == 0 or number == len(files):
                self.stdout.write(f"{number} of {len(files)}: {new} new, {known} known, {len(refused)} refused")
        if refused:
            self.stdout.write("\n".join(["Refused:", *(f"  {line}" for line in refused)]))
        if not new and not known:
            raise CommandError("Nothing was put in.")


def _files(paths: list[Path]) -> Iterator[Path]:
    """All files under the paths; what a folder hides is left out, links to folders are not followed."""
    for path in paths:
        if path.is_file():
            yield path
        for folder, inner, names in os.walk(path):
            inner[:] = [name for name in inner if not name.startswith(".")]
            found = (Path(folder) / name for name in names if not name.startswith("."))
            yield from (file for file in found if file.is_file())


def _place(user: User, team: Team, name: str | None) -> Place:
    """Where the files go."""
    scope = scope_for(user, team)
    chosen = None
    if name is not None:
        chosen = Collection.objects.filter(id__in=scope.collection_ids, name__iexact=name.strip()).first()
    try:
        if name is not None and chosen is None:
            # Whoever may not put anything into the Inbox makes no collection either.
            intake.place_for(scope, None, lane=Lane.BULK)
            chosen = collections.create_collection(team, name, maker=user)
            scope = scope_for(user, team)
        return intake.place_for(scope, chosen.public_id if chosen else None, lane=Lane.BULK)
    except Refusal as refusal:
        raise CommandError(str(refusal)) from None
