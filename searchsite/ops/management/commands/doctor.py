"""`manage.py doctor`: is each network what it should be; with --integrity, do files, rows and vectors agree."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.db import Error

from searchsite import config as configuration
from searchsite.inference import selfcheck
from searchsite.inference.client import Client
from searchsite.inference.selfcheck import Report
from searchsite.inference.stages import Stages, stages_from
from searchsite.inference.trials import Row
from searchsite.library import files
from searchsite.library.decoder import client as decoder
from searchsite.ops import forecast, greeting, integrity, places
from searchsite.ops.acting import one_sentence
from searchsite.ops.backups import journal
from searchsite.ops.integrity import Line
from searchsite.ops.quick import QuickCommand

HEAD = ("stage", "what", "is", "found")
WIDTH = 100
INDENT = " " * 4
# Of each kind, in the table; JSON names all.
EXAMPLES = 10


class Command(QuickCommand):
    """Without --integrity it needs no database. Its few calls are not entered in the ledger."""

    amid_a_restore = True
    help = (
        "Call each configured network and say whether it is what it should be; with --integrity, look instead whether"
        " files, rows and vectors agree. Exit status 1 if something is wrong and was not repaired."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--stage", action="append", choices=selfcheck.STAGES, help="only this stage; may repeat")
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
        parser.add_argument("--integrity", action="store_true", help="look at files, rows and vectors instead")
        parser.add_argument("--repair", action="store_true", help="with --integrity: repair what can be repaired")
        parser.add_argument("--quick", action="store_true", help="with --integrity: compare sizes, read no file")
        parser.add_argument("--from", type=Path, metavar="BACKUP", help="with --repair: put lost files back from there")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["integrity"]:
            self._look_at_data(options)
        else:
            self._look_at_networks(options)

    def _look_at_data(self, options: dict[str, Any]) -> None:
        with one_sentence(), journal.undisturbed(files.media_root()):
            # Half of what is there would seem orphaned, and be removed.
            places.require_settled(configuration.load())
            found = integrity.look(quick=options["quick"])
            lines = integrity.report(found)
            if options["repair"]:
                integrity.repair(found, lines, options["from"])
        if options["json"]:
            self.stdout.write(json.dumps({"clean": not _left(lines), "found": _plain_lines(lines)}, indent=1))
        else:
            self._show_data(lines)
        if _left(lines):
            sys.exit(1)

    def _show_data(self, lines: list[Line]) -> None:
        for line in (line for line in lines if line.found):
            repaired = f", {line.repaired:,} repaired" if line.repaired else ""
            said = f"{line.kind}: {len(line.found):,} {line.said}{repaired}"
            self.stdout.write(self.style.ERROR(said) if line.left else said)
            for subject in line.found[:EXAMPLES]:
                self.stdout.write(INDENT + subject)
            if line.left:
                self.stdout.write(INDENT + line.advice)
        number = sum(len(line.found) for line in lines)
        self.stdout.write(f"{number:,} found, {number - _left(lines):,} repaired." if number else "All is well.")

    def _look_at_networks(self, options: dict[str, Any]) -> None:
        stages = stages_from(configuration.load())
        chosen = options["stage"] or selfcheck.STAGES
        with Client(stages) as client:
            report = selfcheck.check(client, [stage for stage in selfcheck.STAGES if stage in chosen])
        report = Report((*report.rows, *forecast.rows(stages, report.rows)))
        if options["json"]:
            self.stdout.write(
                json.dumps({"passed": report.passed, "rows": [_plain(row) for row in report.rows]}, indent=1)
            )
        else:
            self._show(report, stages, chosen)
        if not report.passed:
            sys.exit(1)

    def _show(self, report: Report, stages: Stages, chosen: Iterable[str]) -> None:
        rows = sorted(report.rows, key=lambda row: selfcheck.STAGES.index(row.stage))
        wide = [max(map(len, column)) for column in zip(HEAD[:3], *(_cells(row)[:3] for row in rows), strict=True)]
        self.stdout.write(_line(HEAD, wide))
        for row in rows:
            self.stdout.write(self._painted(row, _line(_cells(row), wide)))
            for line in textwrap.wrap(row.advice, WIDTH) if row.outcome != "pass" else ():
                self.stdout.write(INDENT + line)
        for stage in selfcheck.STAGES:
            if stage in chosen and getattr(stages, stage) is None:
                self.stdout.write(f"{stage}: {_doer(stage)}.")
        self.stdout.write(_decoder())
        for line in _warnings():
            self.stdout.write(self.style.WARNING(line))
        failed = len(report.failures)
        looked = f"{len(report.rows)} things were looked at"
        self.stdout.write(f"{looked}: {failed} failed." if failed else f"{looked}: all is well.")

    def _painted(self, row: Row, line: str) -> str:
        if row.outcome == "fail":
            return str(self.style.ERROR(line))
        return str(self.style.WARNING(line)) if row.outcome == "warn" else line


def _left(lines: Iterable[Line]) -> int:
    return sum(line.left for line in lines)


def _plain_lines(lines: Iterable[Line]) -> list[dict[str, Any]]:
    return [{"kind": line.kind, "subjects": line.found, "repaired": line.repaired} for line in lines if line.found]


def _warnings() -> list[str]:
    """What else an operator should know, as far as the database can be asked."""
    try:
        return list(greeting.unused_keys())
    except Error:
        return []


def _decoder() -> str:
    """What of this machine a picture can reach that takes its decoder over."""
    try:
        walls = decoder.walls()
    except (OSError, ValueError, subprocess.SubprocessError):
        return "decoder: it does not start; no picture can be taken in."
    names = {"network": "no network", "files": "no files", "calls": "a filter of system calls"}
    standing = [name for wall, name in names.items() if walls.get(wall)]
    missing = [name for wall, name in names.items() if not walls.get(wall)]
    held = f"decoder: a picture's process has {', '.join([*standing, 'no environment, 1 GB of memory'])}"
    return f"{held}; not here, as this kernel refuses them: {', '.join(missing)}." if missing else f"{held}."


def _doer(stage: str) -> str:
    left = stage == "read" and configuration.load().reader == "captioner"
    return "left to the captioner" if left else "nothing is configured to do it"


def _plain(row: Row) -> dict[str, str]:
    names = ("stage", "subject", "outcome", "found", "advice")
    return {name: getattr(row, name) for name in names}


def _cells(row: Row) -> tuple[str, str, str, str]:
    return row.stage, row.subject, {"pass": "ok", "warn": "warn", "fail": "FAIL"}[row.outcome], row.found  # nosec B105 - no password


def _line(cells: Iterable[str], wide: Iterable[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, [*wide, 0], strict=True)).rstrip()
