"""`manage.py make_items --count N`: made-up items for measuring how the house does with many."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from searchsite.indexing import spaces
from searchsite.ops import factory
from searchsite.ops.acting import person, plain_words, team_of
from searchsite.ops.quick import QuickCommand


class Command(QuickCommand):
    """Fills a library for measuring. Not for a library that people use."""

    help = "FOR MEASURING: make many made-up items. Refuses a team with items of its own unless --yes is given."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--count", type=int, default=100_000, help="how many items (default: 100,000)")
        parser.add_argument("--team", help="name of the team (default: the first of the first user)")
        parser.add_argument("--pictures", type=int, default=12, help="how many drawn files they share (default: 12)")
        parser.add_argument("--vectors", action="store_true", help="random vectors in the space that answers")
        parser.add_argument("--yes", action="store_true", help="also where people have put items of their own")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["count"] < 1 or options["pictures"] < 0:
            raise CommandError("--count is at least 1, and --pictures not below 0.")
        began = time.monotonic()
        with plain_words():
            team = team_of(person(None), options["team"])
            if factory.others(team) and not options["yes"]:
                raise CommandError(f"The team {team} has items of its own. Made-up ones are put beside them by --yes.")
            plan = factory.Plan(team, options["count"], options["pictures"], self._space(options["vectors"]))
            number = factory.make(plan, said=lambda done: self.stdout.write(f"{done:,} of {options['count']:,}"))
            factory.settle()
        self.stdout.write(f"Made {number:,} items for {team} in {time.monotonic() - began:.0f} s.")

    def _space(self, wanted: bool) -> Any:
        if not wanted:
            return None
        space = spaces.active()
        if space is None:
            raise CommandError("No space answers yet: put something in first, or leave --vectors out.")
        return space
