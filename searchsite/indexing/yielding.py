"""Making and dropping tables of vectors beside people who put things in: whoever is in the way goes first.

Both lock the tables that a table of vectors refers to, in an order of their own. So long as they wait for less than
Postgres waits before it looks for deadlocks, it is never somebody's upload that Postgres ends.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

from django.db import OperationalError, transaction
from psycopg.errors import DeadlockDetected, LockNotAvailable

from searchsite.indexing import settings
from searchsite.inference.errors import Overloaded

# Postgres looks for deadlocks after a second.
MILLISECONDS, MOST_ATTEMPTS = 300, 30
Made = TypeVar("Made")


def giving_way() -> AbstractContextManager[None]:
    """Wait only shortly for locks, in this part of a transaction."""
    return settings.locally("lock_timeout", f"{MILLISECONDS}ms")


def is_in_the_way(error: OperationalError) -> bool:
    """Whether somebody holds what is needed."""
    return isinstance(error.__cause__, LockNotAvailable | DeadlockDetected)


def patiently(make: Callable[[], Made]) -> Made:
    """Do this in a transaction that is begun anew while somebody is in the way. Raises Overloaded after about 15 s."""
    for _attempt in range(MOST_ATTEMPTS):
        try:
            with transaction.atomic(), giving_way():
                return make()
        except OperationalError as error:
            if not is_in_the_way(error):
                raise
            # Not all at once: of several processes one is to go first.
            time.sleep(random.uniform(0.1, 0.4))
    raise Overloaded("So much is put in that there was no moment to make room for vectors.", retry_after=5)
