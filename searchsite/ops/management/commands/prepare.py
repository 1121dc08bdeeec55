"""`manage.py prepare`: the schema, the first user, the sample library. Run by `up`, and once before containers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser

from searchsite import config as configuration
from searchsite.config import Config
from searchsite.indexing import gate
from searchsite.ops import first_run, greeting, samples
from searchsite.ops.acting import one_sentence, plain_words
from searchsite.ops.backups import exchange, layout, restoring
from searchsite.ops.quick import QuickCommand
from searchsite.ops.supervisor import FIRST_USER_MADE

LEAST_PASSWORD = 8


class Command(QuickCommand):
    """Without a file the first user's password comes by the input, and a code of its own says that it was used."""

    amid_a_restore = True
    help = "Bring the database schema up to date and make the first user."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--password-file", type=Path, help="holds the first user's password (default: the first line of the input)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path | None = options["password_file"]
        # Before anything is done: a second try must find the same house.
        password = None if file is None else _password(file)
        self._settle(configuration.load())
        with plain_words():
            call_command("migrate", interactive=False, verbosity=1)
            call_command("createcachetable")
        # Perhaps another key is set since.
        gate.forget_refusals()
        for line in greeting.from_database():
            self.stdout.write(line)
        config = configuration.load()
        if not first_run.is_first(config):
            return
        user = first_run.ensure_first_user(password or sys.stdin.readline().strip())
        if config.sample_library:
            samples.add_sample_library(user)
        if password is None:
            sys.exit(FIRST_USER_MADE)
        first_run.is_over(config)
        self.stdout.write(f"The first user is {first_run.NAME}.")

    def _settle(self, config: Config) -> None:
        """What a restore was cut off from comes first: until then nobody may migrate or serve."""
        with one_sentence():
            layout.require_data_apart(config)
            how = restoring.settle(config)
        if how is not None:
            self.stdout.write(exchange.SAID[how])


def _password(file: Path) -> str:
    try:
        password = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"The password in {file} cannot be read: {error}.") from None
    if len(password) < LEAST_PASSWORD:
        raise CommandError(f"The password in {file} is too short: {LEAST_PASSWORD} characters at least.")
    return password
