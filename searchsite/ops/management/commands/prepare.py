"""`manage.py prepare`: the schema, the first user, the sample library. Run by `up`, with a password on its input."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from searchsite import config as configuration
from searchsite.indexing import gate
from searchsite.ops import first_run, greeting, samples
from searchsite.ops.acting import plain_words
from searchsite.ops.supervisor import FIRST_USER_MADE


class Command(BaseCommand):
    """Reads the password that the first user gets; ends with a code of its own when that user was made."""

    help = "Bring the database schema up to date and make the first user, whose password is read from the input."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
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
        user = first_run.ensure_first_user(sys.stdin.readline().strip())
        if config.sample_library:
            samples.add_sample_library(user)
        sys.exit(FIRST_USER_MADE)
