"""`manage.py queue`: where the work stands, stage by stage; retry, pause, resume, and process what is missing."""

from __future__ import annotations

import getpass
from typing import Any

from django.core.management.base import CommandError, CommandParser

from searchsite.accounts import audit
from searchsite.indexing import board, estimates, halting, missing, plan
from searchsite.indexing.board import Row
from searchsite.jobs import care
from searchsite.ops.acting import plain_words
from searchsite.ops.quick import QuickCommand

HEAD = ("stage", "state", "waiting", "running", "failed", "cancelled", "done", "a minute", "time left", "oldest")


class Command(QuickCommand):
    """Prints what the operators' page shows, and does what its buttons do."""

    help = "Show where the queue stands. Stages: decode, read, caption, embed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--retry", nargs="?", const="all", metavar="STAGE", help="try again what failed")
        parser.add_argument("--pause", metavar="STAGE", help="finish what runs, and hand out no more of this stage")
        parser.add_argument("--reason", default="", help="why it is paused; everyone whose item waits sees it")
        parser.add_argument("--resume", metavar="STAGE", help="let a paused stage go on")
        parser.add_argument("--missing", metavar="STAGE", help="count what a stage has not made; --yes makes it")
        parser.add_argument("--yes", action="store_true", help="with --missing: have it made, whatever it costs")

    def handle(self, *args: Any, **options: Any) -> None:
        with plain_words():
            if options["retry"]:
                stage = None if options["retry"] == "all" else _stage(options["retry"])
                audit.note(audit.Action.WORK_ASKED, ("stage", stage or ""), asked="retry")
                self.stdout.write(f"Jobs that are tried again: {care.retry_all(stage):,}.")
            if options["pause"]:
                halting.pause(_stage(options["pause"]), by=getpass.getuser(), reason=options["reason"])
            if options["resume"]:
                halting.resume(_stage(options["resume"]))
            if options["missing"]:
                self._process(_stage(options["missing"]), really=options["yes"])
            self._show()

    def _process(self, stage: str, *, really: bool) -> None:
        found = missing.look(stage)
        if not found.configured:
            raise CommandError(f"Nothing is configured that does {stage}.")
        cost = f", {found.cost}" if found.cost else ""
        self.stdout.write(
            f"{stage}: {found.missing:,} missing{cost}; {found.on_the_way:,} on the way, {found.failed:,} failed,"
            f" {found.lost:,} whose file is lost."
        )
        if really:
            audit.note(audit.Action.WORK_ASKED, ("stage", stage), asked="missing")
            self.stdout.write(f"Items that will be processed: {missing.enqueue_missing(stage):,}.")
        elif found.missing:
            self.stdout.write("Add --yes to have them processed.")

    def _show(self) -> None:
        found = board.board()
        lines = [HEAD, *map(_cells, found.rows)]
        widths = [max(len(line[place]) for line in lines) for place in range(len(HEAD))]
        for line in lines:
            self.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        for row in found.rows:
            if row.pause is not None:
                self.stdout.write(f"{row.kind} is paused by {row.pause.by}: {row.pause.reason or 'no reason given'}")
            for wait in row.waits:
                self.stdout.write(f"{row.kind}: {wait.number:,} wait: {wait.reason}")
        for group in found.failures.groups:
            self.stdout.write(f"{group.kind}: {group.count:,} × {group.reason or group.state}")


def _cells(row: Row) -> tuple[str, ...]:
    standing = row.standing
    about = "" if standing.exact else "about "
    numbers = (standing.waiting, standing.running, row.failed, row.cancelled)
    left, oldest = row.seconds_left, row.oldest_seconds
    return (
        row.kind,
        row.state if row.configured or row.pause else "not configured",
        *(f"{number:,}" for number in numbers),
        f"{about}{standing.done:,}",
        f"{standing.rate:.1f}",
        estimates.duration(left) if left else "",
        estimates.duration(oldest) if oldest is not None else "",
    )


def _stage(name: str) -> str:
    if name not in plan.BATCH:
        raise CommandError(f"There is no stage {name}. There are: {', '.join(plan.BATCH)}.")
    return name
