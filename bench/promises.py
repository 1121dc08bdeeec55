"""`python -m bench.promises [PYTEST ARGS]`: runs the tests that prove our promises, and writes docs/promises.md.

With --write alone nothing is run: the page is written from the figures that were kept last.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import house, machine
from tests import figures

PAGE = house.ROOT / "docs" / "promises.md"
HEAD = """\
# Promises
<!-- Written by `make promises` (bench/promises.py): change it there. -->

What searchsite promises about what it is given and about who sees it, the tests that prove each promise, and what they
counted last. Most run in `make test`, at each change; the longest form of each in `make test-long`. `make promises`
runs them all and writes this page.

| | promise | proven by | counted last |
|---|---|---|---|
"""
ASIDE = ("promise", "name", "at")


@dataclass(frozen=True)
class Promise:
    """One promise in words, the test modules that prove it, and the names of the figures that stand beside it."""

    number: int
    words: str
    proofs: tuple[str, ...]
    shown: tuple[str, ...] = ()


PROMISES = (
    Promise(
        1,
        "Workers are killed, Postgres crashes, the broker loses its memory: each item is done, and done once; a kill "
        "costs at most one more call for each input in flight.",
        (
            "indexing/test_kill_and_count.py",
            "indexing/test_stopping.py",
            "indexing/test_deadly_jobs.py",
            "jobs/test_lives.py",
        ),
    ),
    Promise(
        2,
        "A kill at any labelled step of any stage loses nothing, leaves no file without a row after the sweep, and "
        "costs at most the one call under way; to embed, that is a request of texts and one of pictures.",
        ("indexing/test_steps.py",),
    ),
    Promise(
        3,
        "Whatever a provider does, no item is lost to it: nothing is sent while it asks for rest, all is done soon "
        "after it is back, and meanwhile search answers by words and says so.",
        (
            "indexing/test_outages.py",
            "indexing/test_nonsense.py",
            "indexing/test_breaking_inputs.py",
            "indexing/test_refused_alone.py",
            "indexing/test_captions.py",
            "indexing/test_switching.py",
            "inference/test_calling.py",
            "inference/test_streams.py",
        ),
        (
            "F1-1",
            "F2-503-500",
            "F3-refused",
            "F4-1.5",
            "F5-F6-shuffled",
            "F7-nan",
            "F8-cut",
            "F9",
            "F10-500",
            "F23",
            "F26",
        ),
    ),
    Promise(
        4,
        "No upload of 50 MB or less uses more than 1 GB or 30 s, or takes a worker or web process down; its neighbours "
        "finish.",
        ("library/test_hostile_files.py", "library/test_flipped_bytes.py", "library/test_walls.py"),
    ),
    Promise(
        5,
        "A change of rights shows within a second in search, pages, API, facets, counts, similar items, answers and "
        "open streams; in file addresses at once, at a host of files within their expiry of at most ten minutes.",
        ("web/test_rights_at_once.py", "web/test_files_host.py"),
    ),
    Promise(
        6,
        "Disk full, database full, slow or out of connections, a clock wrong by an hour: a clear refusal or a pause, "
        "no row without file, and health still answers.",
        (
            "ops/test_disks.py",
            "ops/test_database_restarts.py",
            "limits/test_pool.py",
            "web/test_slow_database.py",
            "indexing/test_clocks.py",
        ),
    ),
    Promise(
        7,
        "Beside another team's backlog of 100,000 a person's single upload is found within 30 s, and pages stay fast.",
        ("ops/test_backlog.py", "ops/test_priority.py", "jobs/test_fairness.py"),
    ),
    Promise(
        8,
        "A backup made during writes restores to the same hits and a clean report; what is planted wrong between "
        "files, rows and vectors is reported, and repaired.",
        (
            "ops/test_backup.py",
            "ops/test_backup_cut_off.py",
            "ops/test_backup_disturbed.py",
            "ops/test_backup_faults.py",
            "ops/test_backup_of_a_house.py",
            "ops/test_integrity.py",
        ),
    ),
    Promise(9, "Under mixed load for half an hour memory stays flat, and nothing fails.", ("soak/test_soak.py",)),
    Promise(
        10,
        "Every attack is answered as expected, at every address, for everybody, and never with an error of ours.",
        (
            "attacks/test_every_address.py",
            "attacks/test_hostile_words.py",
            "attacks/test_gone_meanwhile.py",
            "attacks/test_strangers.py",
            "attacks/test_over_http.py",
            "attacks/test_what_networks_say.py",
            "attacks/test_addresses_cut_short.py",
            "api/test_conformance.py",
            "limits/test_rates.py",
            "limits/test_bodies.py",
            "limits/test_slow_clients.py",
            "limits/test_many_addresses.py",
            "answers/test_hidden_orders.py",
            "everyday/test_reach.py",
            "limits/test_sign_in.py",
            "accounts/test_audit.py",
            "web/test_audit_log.py",
            "web/test_sessions.py",
            "web/test_bytes_of_others.py",
            "test_exposure.py",
        ),
        (
            "roles",
            "parameters-8",
            "forms-8",
            "api-8",
            "bodies",
            "broken",
            "described",
            "forgery",
            "limits-sign-in-one-person",
            "csp violations",
            "bytes of another team",
            "gone meanwhile, deleted",
        ),
    ),
)

LEGEND = """
Figures whose name begins with F are of these failures: F1 an answer 429 with a time to wait, F2 answers 500 or 503 to
everything, F3 no connection, F4 bytes that drip, F5 and F6 answers that are none or in another order, F7 vectors that
are none, F8 streams that are cut at any byte, F9 300 MB packed into one, F10 a key that is refused, F16 restarts of
Postgres, F23 a text that fails its whole batch, F24 a job that kills its worker, F26 a change of the embedder under
way, F32 captions that are none. A number at the end tells how many items there were, words for each field, or ways to
lose a right.
"""


def rendered(kept: Path) -> str:
    """The page, with the figures in this folder."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(kept.glob("*.json"))]
    of = {one.number: [part for part in found if part["promise"] == one.number] for one in PROMISES}
    rows = "".join(_row(one, of[one.number]) for one in PROMISES)
    return HEAD + rows + LEGEND + _state(found) + "".join(_all_of(one, of[one.number]) for one in PROMISES)


def _row(promise: Promise, parts: Sequence[dict[str, Any]]) -> str:
    proofs = "<br>".join(f"[{Path(proof).stem}](../tests/{proof})" for proof in promise.proofs)
    shown = [part for part in parts if not promise.shown or part["name"] in promise.shown]
    counted = "<br>".join(map(_counted, shown)) or "not counted yet"
    return f"| {promise.number} | {promise.words} | {proofs} | {counted} |\n"


def _all_of(promise: Promise, parts: Sequence[dict[str, Any]]) -> str:
    if not promise.shown or not parts:
        return ""
    return f"\n## All figures of promise {promise.number}\n" + "".join(f"- {_counted(part)}\n" for part in parts)


def _counted(part: dict[str, Any]) -> str:
    numbers = ", ".join(f"{name.replace('_', ' ')} {_number(value)}" for name, value in _figures(part))
    return f"*{part['name']}*: {numbers}"


def _figures(part: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from ((name, value) for name, value in part.items() if name not in ASIDE)


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(round(value, 2) if isinstance(value, float) else value)


def _state(found: list[dict[str, Any]]) -> str:
    days = sorted({part["at"][:10] for part in found})
    if not days:
        return ""
    state = machine.state()
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return f"\nCounted {when} on {state['cores']} cores ({state['processor']}), {state['memory_gb']} GB.\n"


def prove(arguments: list[str]) -> int:
    """Run the proofs, the long forms too, and keep what they count. Returns pytest's status."""
    proofs = sorted({f"tests/{proof}" for promise in PROMISES for proof in promise.proofs})
    command = [sys.executable, "-m", "pytest", "-m", "long or not long", *(arguments or proofs)]
    return subprocess.run(command, cwd=house.ROOT, env=os.environ | {"KEEP_FIGURES": "1"}, check=False).returncode


def main() -> None:
    """Prove and write, or write alone."""
    arguments = sys.argv[1:]
    status = 0 if arguments == ["--write"] else prove(arguments)
    PAGE.write_text(rendered(figures.KEPT), encoding="utf-8")
    raise SystemExit(status)


if __name__ == "__main__":
    main()
