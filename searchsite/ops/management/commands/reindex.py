"""`manage.py reindex`: index the whole library with the embedder that is served now, or have it captioned."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from searchsite.indexing import plan, spaces, tables, uncaptioned, upkeep
from searchsite.indexing.models import Space
from searchsite.inference.errors import InferenceError
from searchsite.jobs import care
from searchsite.ops.acting import plain_words

LOOK_EVERY = 2.0
MOST_COUNTED = 100_000


class Command(BaseCommand):
    """Switches to the space of that embedder, asks the workers to fill it, and shows how far they are."""

    help = "Index the library with the embedder that is served now. Run again, it goes on where it stopped."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--captions", action="store_true", help="have pictures captioned that no captioner looked at"
        )
        parser.add_argument("--all", action="store_true", help="with --captions: also those that another described")
        parser.add_argument("--no-wait", action="store_true", help="ask for the work and do not wait for its end")

    def handle(self, *args: Any, **options: Any) -> None:
        with plain_words():
            try:
                if options["captions"]:
                    self._caption(renew=options["all"], wait=not options["no_wait"])
                else:
                    self._fill(self._switch(), wait=not options["no_wait"])
            except KeyboardInterrupt:
                self.stdout.write("The workers go on with it. Run this again to see how far they are.")

    def _switch(self) -> Space:
        before = spaces.active()
        try:
            space = spaces.switch()
        except InferenceError as error:
            raise CommandError(f"Nothing was changed: {error.message}") from error
        if before is None or before.pk == space.pk:
            self.stdout.write(f"The library is indexed with {space}; looking for what is missing.")
        else:
            self.stdout.write(f"From {before} to {space}: until it is done, words find what its vectors do not yet.")
            care.retry_all(plan.EMBED)
        return space

    def _caption(self, *, renew: bool, wait: bool) -> None:
        if not plan.captions():
            raise CommandError("No captioner is configured: docs/models.md says how to choose one.")
        said = None
        while left := uncaptioned.fill(renew=renew):
            if left != said:
                self.stdout.write(f"{left:,} pictures are to be captioned.")
                self.stdout.flush()
            if not wait:
                return
            said = left
            time.sleep(LOOK_EVERY)
        self.stdout.write("Done.")

    def _fill(self, space: Space, *, wait: bool) -> None:
        said = None
        while left := upkeep.fill(space):
            if left != said:
                self.stdout.write(f"{left:,} items are to be embedded.")
                self.stdout.flush()
            if not wait:
                return
            said = left
            time.sleep(LOOK_EVERY)
        lacking = len(tables.lacking(space.pk, pictures=space.takes_pictures, limit=MOST_COUNTED))
        self.stdout.write(f"Done; {lacking:,} items could not be embedded, and say why." if lacking else "Done.")
