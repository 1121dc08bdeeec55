"""Leaves room for others where one network keeps very many connections: the server opens WEB_CONNECTIONS and no more.

It counts those that say nothing, too, for half a minute each, and asks nobody. So they are looked at from outside.
"""

from __future__ import annotations

import os
import resource
import threading
import time
from collections import defaultdict
from contextlib import ExitStack, suppress
from socket import socket

from searchsite.accounts import rates
from searchsite.web import watchdog

EVERY_SECONDS = 1.0
CROWDED = 2
"""Beyond this part of all connections it is crowded, and no more of them are left."""
OF_ONE_NETWORK = 16
"""Then a network keeps this part of them at most."""


def watch(connections: int) -> None:
    """Look after the room for connections of this process for as long as it lives."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Each has a descriptor, and one more while it is looked at.
    wanted = 3 * connections + 1024
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most))
    if watchdog.DESCRIPTORS.exists():
        threading.Thread(target=_keep_looking, args=(connections,), name="crowding", daemon=True).start()


def thin(connections: int) -> int:
    """Leave each network its share, and close of the others those that are silent for longest; return how many."""
    of, closed = defaultdict[str, list[tuple[bool, float, socket]]](list), 0
    with ExitStack() as held:
        for _, connection in watchdog.connections():
            held.enter_context(connection)
            with suppress(OSError):
                numbers = watchdog.numbers_of(connection)
                network = rates.address_of(connection.getpeername()[0])
                of[network].append((numbers.waiting > 0, -min(numbers.heard, numbers.spoke), connection))
        share = min(connections // OF_ONE_NETWORK, connections // CROWDED // max(1, len(of)))
        for found in of.values():
            found.sort(key=lambda one: one[:2])
            for _, _, connection in found[: max(0, len(found) - share)]:
                closed += watchdog.close(connection, "its network keeps too many")
    return closed


def _keep_looking(connections: int) -> None:
    while True:
        time.sleep(EVERY_SECONDS)
        with suppress(OSError):
            if len(os.listdir(watchdog.DESCRIPTORS)) > connections // CROWDED:  # noqa: PTH208  # names are all
                thin(connections)
