"""A warm process that does each deed in a forked child, which dies at a step where it is told to.

Its input is lines such as `{"deed": "work", "die_at": "embed.written"}`; it answers how each child ended.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from searchsite.accounts.models import User
from searchsite.indexing import spaces
from searchsite.jobs.models import Lane
from searchsite.library import intake
from searchsite.library.scope import scope_for
from tests import made

START = "import django; django.setup(); from tests.indexing import dying; dying.live()"


def get_ready() -> None:
    """Make the space that answers."""
    spaces.ensure_active()


def upload(user: int, team: int, file: str) -> None:
    """Put a file into the Inbox, as the web server does."""
    inbox = intake.place_for(scope_for(User.objects.get(pk=user), team), None, lane=Lane.WAITING)
    with Path(file).open("rb") as data:
        intake.add_file(data, "garden.jpg", into=inbox)


def work() -> None:
    """Do all that is due."""
    made.work_through_everything()


DEEDS: dict[str, Callable[..., None]] = {"get_ready": get_ready, "upload": upload, "work": work}


def in_a_child(deed: str, die_at: str = "", **given: object) -> int:
    """How the child ended: 0, or less the signal that ended it."""
    child = os.fork()
    if child == 0:
        os.environ["SEARCHSITE_DIE_AT"] = die_at
        code = 1
        try:
            DEEDS[deed](**given)
            code = 0
        finally:
            if code:
                traceback.print_exc()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def live() -> None:
    """Say that it is ready, and do what is asked until nobody asks any more."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        sys.stdout.write(f"{in_a_child(**json.loads(line))}\n")
        sys.stdout.flush()
