"""Making and dropping tables of vectors beside people who put things in: whoever is in the way goes first.

Both lock the tables that a table of vectors refers to, in an order of their own. So long as they wait for less than
Postgres waits before it looks for deadlocks, it is never somebody's upload that Postgres ends.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connection, transaction
from psycopg.errors import DeadlockDetected, LockNotAvailable

from searchsite.inference.errors import Overloaded

# Postgres looks for deadlocks after a second.
MILLISECONDS, MOST_ATTEMPTS = 300, 30
Made = TypeVar("Made")


def give_way(wait: str = f"{MILLISECONDS}ms") -> str:
    """Wait only shortly for locks, to the end of this transaction; how long it was before."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout')")
        before = str(cursor.fetchone()[0])
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [wait])
    return before


def is_in_the_way(error: OperationalError) -> bool:
    """Whether somebody holds what is needed."""
    return isinstance(error.__cause__, LockNotAvailable | DeadlockDetected)


def patiently(make: Callable[[], Made]) -> Made:
    """Do this in a transaction that is begun anew while somebody is in the way. Raises Overloaded after about 15 s."""
    for _attempt in range(MOST_ATTEMPTS):
        try:
            with transaction.atomic():
                before = give_way()
                found = make()
                # Within another transaction, what comes after is as patient as before.
                give_way(before)
                return found
        except OperationalError as error:
            if not is_in_the_way(error):
                raise
            # Not all at once: of several processes one is to go first.
            time.sleep(random.uniform(0.1, 0.4))
    raise Overloaded("So much is put in that there was no moment to make room for vectors.", retry_after=5)
