"""`manage.py serve PROGRAM`: one program of the house in the foreground, for containers and service managers."""

from __future__ import annotations

import os
from typing import Any

from django.core.management.base import CommandError, CommandParser

from searchsite import config as configuration
from searchsite.ops import household, places
from searchsite.ops.errors import CannotStart
from searchsite.ops.quick import QuickCommand


class Command(QuickCommand):
    """Becomes that program: it gets the signals, and what it says goes where this command's output goes."""

    amid_a_restore = True
    help = "Run one program of searchsite in the foreground. `up` runs them all; `serve_inference` is the sixth."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("program", choices=household.PROGRAMS, help="which program")

    def handle(self, *args: Any, **options: Any) -> None:
        config = configuration.load()
        try:
            if options["program"] == "web":
                places.require_guarded(config)
            places.make(config)
            places.require_settled(config)
        except CannotStart as error:
            raise CommandError(str(error)) from None
        program = household.PROGRAMS[options["program"]](config)
        self.stdout.flush()
        os.execvpe(program.command[0], program.command, {**household.threads(), **os.environ})
