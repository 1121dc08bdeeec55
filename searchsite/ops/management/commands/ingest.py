"""`manage.py ingest PATH...`: put files and whole folders in."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from searchsite.accounts.models import Team, User
from searchsite.jobs.models import Lane
from searchsite.library import collections, intake, tags
from searchsite.library.intake import Place
from searchsite.library.models import Collection
from searchsite.library.refusals import Refusal
from searchsite.library.scope import scope_for
from searchsite.ops import waiting
from searchsite.ops.acting import person, plain_words, team_of
from searchsite.ops.gathering import Gathered, gather
from searchsite.ops.ingesting import Stop, Taken, Wish, stopping, take
from searchsite.ops.quick import QuickCommand

# Without a terminal: a line after so many files, and after so many seconds of waiting.
EVERY, EVERY_SECONDS = 25, 10
SOME_REFUSED, INTERRUPTED = 2, 130
EPILOG = """
Inside a folder, what begins with a dot is left out, and so are links. Exit status: 0 when every file is in, 2 when some
were refused, 1 when nothing was put in, 130 after Ctrl-C. That finishes the file at hand, and the same command goes on.
"""


class Command(QuickCommand):
    """Takes what it can and says at the end what it could not take, and why."""

    help = "Put files and folders in. Files that are there already are left as they are." + EPILOG

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a file or a folder")
        parser.add_argument("--user", help="user name of the person who puts them in (default: the first user)")
        parser.add_argument("--team", help="name of the team (default: the first the person joined)")
        parser.add_argument("--collection", help="name of the collection, made if it is new (default: the Inbox)")
        parser.add_argument("--tag", action="append", default=[], metavar="NAME", help="tag every file; repeatable")
        parser.add_argument("--folder-tags", action="store_true", help="tag files with the names of their folders")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be taken")
        parser.add_argument("--wait", action="store_true", help="stay until what is new has been worked through")

    def handle(self, *args: Any, **options: Any) -> None:
        missing = [str(path) for path in options["paths"] if not path.exists()]
        if missing:
            raise CommandError(f"There is no {', '.join(missing)}.")
        unusable = [name for name in options["tag"] if not tags.normal([name])]
        if unusable:
            raise CommandError(f"Nothing is left of the tag {unusable[0]!r}.")
        with plain_words(), stopping() as stop:
            user = person(options["user"])
            place = _place(user, team_of(user, options["team"]), options)
            wish = Wish(place, tuple(options["tag"]), options["folder_tags"], options["dry_run"])
            taken = self._take(gather(options["paths"]), wish, stop)
            if options["wait"] and taken.items and not stop.asked:
                self._wait(taken, stop)
        self._end(taken, stop, dry=options["dry_run"])

    def _take(self, found: Gathered, wish: Wish, stop: Stop) -> Taken:
        for number, what in ((found.hidden, "hidden"), (found.links, "links")):
            if number:
                self.stdout.write(f"{number} {what} left out")
        began, total, taken = time.monotonic(), len(found.files), Taken()
        for taken in self._shown(take(found.files, wish, stop=stop), total, "file"):
            if not _is_terminal() and (taken.done % EVERY == 0 or taken.done == total):
                self.stdout.write(f"{taken.done} of {total}: {taken}")
        seconds = time.monotonic() - began
        if taken.done:
            self.stdout.write(
                f"{taken.done} of {total} in {seconds:.1f} s ({taken.done / seconds:.1f} a second): {taken}"
            )
        taken.refused += found.unreadable
        if stop.asked and taken.done < total:
            self.stdout.write(f"Stopped: {total - taken.done} are left. The same command goes on from here.")
        if taken.refused:
            self.stdout.write("\n".join(["Refused:", *(f"  {line}" for line in taken.refused)]))
        return taken

    def _shown(self, steps: Iterable[Taken], total: int, unit: str) -> Iterator[Taken]:
        """The steps, with a bar where somebody looks at it."""
        with tqdm(total=total, unit=unit, disable=not _is_terminal()) as bar:
            for taken in steps:
                bar.update(taken.done - bar.n)
                bar.set_postfix_str(str(taken), refresh=False)
                yield taken

    def _wait(self, taken: Taken, stop: Stop) -> None:
        total, began, said = len(taken.items), time.monotonic(), 0.0
        with tqdm(total=total, unit="item", desc="worked through", disable=not _is_terminal()) as bar:
            for left in waiting.left(taken.items, stop=stop):
                bar.update(total - left - bar.n)
                if not _is_terminal() and (not left or time.monotonic() - said >= EVERY_SECONDS):
                    said = time.monotonic()
                    self.stdout.write(f"{total - left} of {total} worked through")
        failed = waiting.failed(taken.items)
        if not stop.asked:
            seconds = time.monotonic() - began
            self.stdout.write(f"Worked through in {seconds:.1f} s: {total - len(failed)} ready, {len(failed)} failed")
        if failed:
            self.stdout.write("\n".join(["Failed:", *(f"  {line}" for line in failed)]))

    def _end(self, taken: Taken, stop: Stop, *, dry: bool) -> None:
        if stop.asked:
            raise CommandError("Interrupted.", returncode=INTERRUPTED)
        if not taken.new and not taken.known:
            raise CommandError(f"Nothing {'would be' if dry else 'was'} put in.")
        if taken.refused:
            number = len(taken.refused)
            raise CommandError(f"{number} {'was' if number == 1 else 'were'} refused.", returncode=SOME_REFUSED)


def _is_terminal() -> bool:
    """Whether a bar can be drawn: tqdm draws on stderr."""
    return sys.stderr.isatty()


def _place(user: User, team: Team, options: dict[str, Any]) -> Place:
    """Where the files go. Trying out makes no collection: what is to be new stands for an empty one."""
    name, scope = options["collection"], scope_for(user, team)
    chosen = None
    if name is not None:
        chosen = Collection.objects.filter(id__in=scope.collection_ids, name__iexact=name.strip()).first()
    try:
        if name is not None and chosen is None:
            # Whoever may not put anything into the Inbox makes no collection either.
            inbox = intake.place_for(scope, None, lane=Lane.BULK)
            if options["dry_run"]:
                return Place(inbox.scope, Collection(team=team, name=name), Lane.BULK)
            chosen = collections.create_collection(team, name, maker=user)
            scope = scope_for(user, team)
        return intake.place_for(scope, chosen.public_id if chosen else None, lane=Lane.BULK)
    except Refusal as refusal:
        raise CommandError(str(refusal)) from None
