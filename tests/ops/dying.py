"""A warm process whose children run commands on backups, and die at a step where they are told to."""

from __future__ import annotations

from contextlib import redirect_stdout
from pathlib import Path

from django.core.management import call_command
from django.core.management.base import CommandError

from tests.indexing import dying

START = "import django; django.setup(); from tests.ops import dying; dying.live()"


def command(words: list[str], said: str) -> None:
    """Run a command; what it says goes into a file, its error, too."""
    with Path(said).open("w", encoding="utf-8") as out, redirect_stdout(out):
        try:
            call_command(*words, stdout=out, stderr=out)
        except CommandError as error:
            out.write(str(error))
            out.close()
            raise SystemExit(error.returncode) from None


def live() -> None:
    """Say that it is ready, and do what is asked until nobody asks any more."""
    dying.DEEDS["command"] = command
    dying.live()
