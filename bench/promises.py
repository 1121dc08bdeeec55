"""`python -m bench.promises [PYTEST ARGS]`: runs the tests that prove our promises, and writes docs/promises.md.

With --write alone nothing is run: the page is written from the figures that were kept last.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
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
    """One promise in words, and the test modules that prove it."""

    number: int
    words: str
    proofs: tuple[str, ...]


PROMISES: tuple[Promise, ...] = ()


def rendered(kept: Path) -> str:
    """The page, with the figures in this folder."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(kept.glob("*.json"))]
    rows = (_row(one, [part for part in found if part["promise"] == one.number]) for one in PROMISES)
    return HEAD + "".join(rows) + _state(found)


def _row(promise: Promise, parts: Iterable[dict[str, Any]]) -> str:
    proofs = "<br>".join(f"[{Path(proof).stem}](../{proof})" for proof in promise.proofs)
    counted = "<br>".join(_counted(part) for part in parts) or "not run here"
    return f"| {promise.number} | {promise.words} | {proofs} | {counted} |\n"


def _counted(part: dict[str, Any]) -> str:
    numbers = ", ".join(f"{name.replace('_', ' ')} {_number(value)}" for name, value in _figures(part))
    return f"{part['name']}: {numbers}"


def _figures(part: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from ((name, value) for name, value in part.items() if name not in ASIDE)


def _number(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _state(found: list[dict[str, Any]]) -> str:
    days = sorted({part["at"][:10] for part in found})
    if not days:
        return ""
    state = machine.state()
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return f"\nCounted {when} on {state['cores']} cores ({state['processor']}), {state['memory_gb']} GB.\n"


def prove(arguments: list[str]) -> int:
    """Run the proofs, the long forms too, and keep what they count. Returns pytest's status."""
    proofs = sorted({proof for promise in PROMISES for proof in promise.proofs})
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
