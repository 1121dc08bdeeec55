"""Asks for pages over kept connections, as many at once as are wanted, in a process of its own.

`python -m bench.hammering` reads a job as JSON from its input: {address, headers, paths, clients, requests}. It prints
{seconds, times}: wall milliseconds of each request.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from typing import Any
from urllib.parse import urlsplit


def hammer(job: dict[str, Any]) -> dict[str, Any]:
    """Do the job. Any answer but 200 ends it."""
    at = [0]
    times: list[float] = []
    wrong: list[str] = []
    lock = threading.Lock()

    def client() -> None:
        where = urlsplit(job["address"])
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=120)
        while not wrong:
            with lock:
                number, at[0] = at[0], at[0] + 1
            if number >= job["requests"]:
                break
            began = time.perf_counter()
            path = job["paths"][number % len(job["paths"])]
            connection.request("GET", path, headers=job["headers"])
            answer = connection.getresponse()
            answer.read()
            times.append(round((time.perf_counter() - began) * 1000, 3))
            if answer.status != 200:
                wrong.append(f"{answer.status} for {path}")
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(job["clients"])]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise SystemExit(wrong[0])
    return {"seconds": time.monotonic() - began, "times": times}


if __name__ == "__main__":
    print(json.dumps(hammer(json.load(sys.stdin))))
