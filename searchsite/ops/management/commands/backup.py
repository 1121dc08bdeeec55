"""`manage.py backup PLACE`: database and files as of one moment, while the site goes on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from searchsite import config as configuration
from searchsite.ops.acting import one_sentence
from searchsite.ops.backups import saving
from searchsite.ops.backups.saving import Shown
from searchsite.ops.quick import QuickCommand

# The backup is there, and originals are missing from the site itself.
NOT_ALL = 3


class Command(QuickCommand):
    """Works while the site runs, and while it does not: then it starts the embedded database for the while."""

    help = "Write a backup of the database and the files: a folder that `restore` takes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("place", type=Path, help="a new folder; in one that is there, a new one named by the time")
        parser.add_argument(
            "--without-derivatives", action="store_true", help="leave out what can be made again of the originals"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        quiet = not sys.stderr.isatty()
        dump = tqdm(desc="database", unit="B", unit_scale=True, disable=quiet)
        files = tqdm(desc="files", unit="B", unit_scale=True, disable=quiet, total=0)
        shown = Shown(dump.update, files.reset, files.update, self.stderr.write)
        derivatives = not options["without_derivatives"]
        with dump, files, one_sentence():
            place, made = saving.save(options["place"].absolute(), configuration.load(), shown, derivatives=derivatives)
        self.stdout.write(
            f"{place}: {made.counts['item']:,} items, {made.files:,} files of {made.bytes / 2**20:,.1f} MB,"
            f" as of {made.created_at}."
        )
        if made.missing or made.unreadable or made.damaged:
            raise CommandError(
                f"The backup is made, but of the originals {made.missing:,} are missing, {made.unreadable:,} cannot be"
                f" read and {made.damaged:,} are damaged, and were so before. Its manifest.json names them;"
                " `manage.py doctor --integrity` looks again.",
                returncode=NOT_ALL,
            )
