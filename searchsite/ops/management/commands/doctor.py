"""`manage.py doctor`: calls each configured network and says whether it is what it should be."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterable
from typing import Any

from django.core.management.base import CommandParser
from django.db import DatabaseError

from searchsite import config as configuration
from searchsite.inference import selfcheck
from searchsite.inference.client import Client
from searchsite.inference.selfcheck import Report
from searchsite.inference.stages import Stages, stages_from
from searchsite.inference.trials import Row
from searchsite.ops import forecast, greeting
from searchsite.ops.quick import QuickCommand

HEAD = ("stage", "what", "is", "found")
WIDTH = 100
INDENT = " " * 4


class Command(QuickCommand):
    """Needs neither the database nor the broker. Its few calls are not entered in the ledger."""

    help = "Call each configured network and say whether it is what it should be. Exit status 1 if one is not."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--stage", action="append", choices=selfcheck.STAGES, help="only this stage; may repeat")
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
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
        for line in _warnings():
            self.stdout.write(self.style.WARNING(line))
        failed = len(report.failures)
        looked = f"{len(report.rows)} things were looked at"
        self.stdout.write(f"{looked}: {failed} failed." if failed else f"{looked}: all is well.")

    def _painted(self, row: Row, line: str) -> str:
        if row.outcome == "fail":
            return str(self.style.ERROR(line))
        return str(self.style.WARNING(line)) if row.outcome == "warn" else line


def _warnings() -> list[str]:
    """What else an operator should know, as far as the database can be asked."""
    try:
        return list(greeting.unused_keys())
    except DatabaseError:
        return []


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
