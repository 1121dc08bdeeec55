"""`manage.py reindex`: index the whole library with the embedder that is configured now."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from searchsite.indexing import estimates, plan, spaces, uncaptioned, upkeep
from searchsite.indexing.models import Space, SpaceStatus
from searchsite.inference.errors import InferenceError
from searchsite.jobs import care
from searchsite.ops import building
from searchsite.ops.acting import plain_words
from searchsite.ops.quick import QuickCommand


class Command(QuickCommand):
    """Builds a space of that embedder beside the one that answers, and lets it answer when it is full."""

    help = "Index the library with the configured embedder. Run again, it goes on where it stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--yes", action="store_true", help="do not ask before what costs time and money")
        parser.add_argument("--no-wait", action="store_true", help="ask for the work and do not wait for its end")

    def handle(self, *args: Any, **options: Any) -> None:
        with plain_words():
            try:
                space = self._chosen(yes=options["yes"])
                if space is not None:
                    self._fill(space, wait=not options["no_wait"])
            except InferenceError as error:
                raise CommandError(f"Nothing was changed: {error.message}") from error
            except spaces.NotNow as error:
                raise CommandError(str(error)) from error
            except KeyboardInterrupt:
                self.stdout.write("The workers go on with it. Run this again to see how far they are.")

    def _chosen(self, *, yes: bool) -> Space | None:
        """The space to fill: the one that answers, one that is being built already, or a new one; None: not wanted."""
        serving = spaces.ensure_active()
        if spaces.is_configured(serving):
            self.stdout.write(f"The library is indexed with {serving}; looking for what is missing.")
            care.retry_all(plan.EMBED)
            self._tell_of_captions()
            return serving
        if not Space.objects.filter(status=SpaceStatus.BUILDING).exists():
            for line in building.estimate_lines(estimates.plan_for()):
                self.stdout.write(line)
            if not yes and not self._agrees():
                self.stdout.write("Nothing was changed.")
                return None
        space = spaces.build()
        self.stdout.write(f"{space} is built beside {serving}, which answers until it is full.")
        self._tell_of_captions()
        return space

    def _tell_of_captions(self) -> None:
        for line in building.caption_lines(uncaptioned.backlog()):
            self.stdout.write(line)

    def _agrees(self) -> bool:
        if not sys.stdin.isatty():
            raise CommandError("Nothing was changed: say --yes to go on without being asked.")
        return input("Build it? [y/N] ").strip().lower() in ("y", "yes")

    def _fill(self, space: Space, *, wait: bool) -> None:
        if not wait:
            left = upkeep.fill(space)
            self.stdout.write(
                f"{estimates.counted(left, 'item')} to be embedded. Run this again to see how far they are."
            )
            return
        found = building.wait_until_full(space, self._say)
        if space.status == SpaceStatus.BUILDING:
            space = spaces.activate(space, force=bool(found.failed))
            self.stdout.write(f"{space} answers now; `manage.py spaces rollback` goes back.")
        self.stdout.write(
            f"Done; {estimates.counted(found.failed, 'item')} failed. Each says why." if found.failed else "Done."
        )

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
