"""`manage.py restore BACKUP`: checks a backup whole, and puts it in the place of what is there."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from searchsite import config as configuration
from searchsite.ops.acting import one_sentence
from searchsite.ops.backups import exchange, forgetting, restoring
from searchsite.ops.backups.restoring import Restored, Shown
from searchsite.ops.quick import QuickCommand


class Command(QuickCommand):
    """The site must be stopped. What was there is kept, and the command says where."""

    amid_a_restore = True
    help = "Check a backup and put it in the place of the database and the files, which are moved aside."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("backup", type=Path, nargs="?", help="the folder that `backup` wrote")
        parser.add_argument("--check", action="store_true", help="read the backup whole, and restore nothing")
        parser.add_argument("--move-aside", action="store_true", help="with DATABASE_URL: rename what is not empty")
        parser.add_argument("--forget-old", action="store_true", help="delete what earlier restores have moved aside")
        parser.add_argument("--settle", action="store_true", help="bring a restore that was cut off to an end")

    def handle(self, *args: Any, **options: Any) -> None:
        with one_sentence():
            if options["forget_old"]:
                self._forget()
            elif options["settle"]:
                self._settle()
            elif options["backup"] is None:
                raise CommandError("Name the folder of a backup.")
            else:
                self._restore(options)

    def _forget(self) -> None:
        for line in forgetting.forget_old(configuration.load()) or ["Deleted: nothing was moved aside"]:
            self.stdout.write(line)

    def _settle(self) -> None:
        how = restoring.settle(configuration.load())
        self.stdout.write("No restore was cut off." if how is None else exchange.SAID[how])

    def _restore(self, options: dict[str, Any]) -> None:
        folder: Path = options["backup"].absolute()
        bars = [
            tqdm(desc=what, unit="B", unit_scale=True, disable=not sys.stderr.isatty())
            for what in ("checked", "database", "files")
        ]
        shown = Shown(*(bar.update for bar in bars))
        with bars[0], bars[1], bars[2]:
            if options["check"]:
                said = restoring.checked(folder, shown.check)
                self.stdout.write(f"The backup of {said.created_at} is whole: {said.counts['item']:,} items.")
                return
            restored = restoring.restore(folder, configuration.load(), shown, move_aside=options["move_aside"])
        self._tell(restored)

    def _tell(self, restored: Restored) -> None:
        said = restored.manifest
        self.stdout.write(f"Restored: {said.counts['item']:,} items and {said.files:,} files, as of {said.created_at}.")
        if lacking := said.missing + said.unreadable:
            self.stdout.write(f"Originals that were missing when the backup was made: {lacking:,}.")
        if restored.to_decode:
            self.stdout.write(f"Pictures that are decoded anew once workers run: {restored.to_decode:,}.")
        if restored.old_database is not None:
            self.stdout.write(f"The old database was moved aside: {restored.old_database}")
        if restored.old_files is not None:
            self.stdout.write(f"The old files were moved aside: {restored.old_files}")
        for line in restored.said:
            self.stdout.write(line)
        self.stdout.write("Everybody signs in anew. `manage.py doctor --integrity` looks whether all is there.")
