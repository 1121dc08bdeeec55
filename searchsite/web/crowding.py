"""Leaves room for others where one network keeps very many connections: the server opens WEB_CONNECTIONS and no more.

It counts those that say nothing, too, for half a minute each, and asks nobody. So they are looked at from outside.
"""

from __future__ import annotations

import os
import resource
import threading
import time
from bisect import insort
from collections import defaultdict
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from socket import socket

from django.conf import settings

from searchsite.accounts import rates
from searchsite.web import proxies, watchdog

EVERY_SECONDS = 1.0
CROWDED = 2
"""Beyond this part of all connections it is crowded, and no more of them are left."""
OF_ONE_NETWORK = 16
"""Then a network keeps this part of them, at least one, and others of it are closed where they are silent."""
SILENT_SECONDS = 8.0
"""What was asked on a connection is under way for that long; a page has five seconds at the database."""


def watch(connections: int) -> None:
    """Look after the room for connections of this process for as long as it lives."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Each has a descriptor, and one more while it is looked at.
    wanted = 3 * connections + 1024
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most))
    if watchdog.DESCRIPTORS.exists():
        threading.Thread(target=_keep_looking, args=(connections,), name="crowding", daemon=True).start()


@dataclass
class Network:
    """The connections from one network: how many there are, and those that may be closed, the last the first to go."""

    number: int = 0
    idle: list[tuple[float, socket]] = field(default_factory=list)


def thin(connections: int) -> int:
    """Close what is silent of the networks that have most, until it is not crowded; return how many.

    Each network keeps its share. One that is known to be a proxy is left alone, as its connections are everybody's.
    """
    closed, trusted = 0, tuple(settings.CONFIG.trusted_proxies)
    with ExitStack() as held:
        of = defaultdict[str, Network](Network)
        for _, connection in watchdog.connections():
            held.enter_context(connection)
            with suppress(OSError):
                _count(connection, of, trusted)
        over = sum(network.number for network in of.values()) - connections // CROWDED
        share = max(1, min(connections // OF_ONE_NETWORK, connections // CROWDED // max(1, len(of))))
        largest = [(-network.number, name) for name, network in of.items() if network.idle]
        heapify(largest)
        while over > 0 and largest and -largest[0][0] > share:
            number, name = heappop(largest)
            idle = of[name].idle
            closed += watchdog.close(idle.pop()[1], "its network keeps too many")
            over -= 1
            if idle:
                heappush(largest, (number + 1, name))
    return closed


def _count(connection: socket, of: dict[str, Network], trusted: tuple[str, ...]) -> None:
    peer, numbers = connection.getpeername()[0], watchdog.numbers_of(connection)
    network = of[rates.address_of(peer)]
    network.number += 1
    if proxies.is_one(peer, trusted):
        return
    # Of what is under way the kernel tells no more than when it said something.
    if not numbers.received or numbers.rests or numbers.silent >= SILENT_SECONDS:
        insort(network.idle, (numbers.silent, connection), key=lambda one: one[0])


def _keep_looking(connections: int) -> None:
    while True:
        time.sleep(EVERY_SECONDS)
        with suppress(OSError):
            if len(os.listdir(watchdog.DESCRIPTORS)) > connections // CROWDED:  # noqa: PTH208  # names are all
                thin(connections)
