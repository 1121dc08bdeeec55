"""`manage.py caption`: have pictures described that no captioner has looked at, or only another."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from searchsite.indexing import plan, uncaptioned
from searchsite.ops.acting import plain_words
from searchsite.ops.quick import QuickCommand

LOOK_EVERY = 2.0


class Command(QuickCommand):
    """Asks the workers for it, and shows how far they are."""

    help = (
        "Caption the pictures that no captioner has looked at. Nothing else asks for those that were there before it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--renew", action="store_true", help="also those that another captioner described")
        parser.add_argument("--no-wait", action="store_true", help="ask for the work and do not wait for its end")

    def handle(self, *args: Any, **options: Any) -> None:
        with plain_words():
            if not plan.captions():
                raise CommandError("No captioner is configured: docs/models.md says how to choose one.")
            try:
                self._fill(renew=options["renew"], wait=not options["no_wait"])
            except KeyboardInterrupt:
                self.stdout.write("The workers go on with it. Run this again to see how far they are.")

    def _fill(self, *, renew: bool, wait: bool) -> None:
        said = None
        while left := uncaptioned.fill(renew=renew):
            if left != said:
                self.stdout.write(f"Pictures to be captioned: {left:,}.")
                self.stdout.flush()
            if not wait:
                return
            said = left
            time.sleep(LOOK_EVERY)
        self.stdout.write("Done.")
