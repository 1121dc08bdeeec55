"""`manage.py evaluate`: how well the questions of a set, or judged ones, are answered."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from searchsite.indexing import plan, spaces
from searchsite.ops import evaluating
from searchsite.ops.acting import name_asker, plain_words
from searchsite.ops.quick import QuickCommand
from searchsite.quality import banding, filling, measuring, reporting, sets
from searchsite.quality.filling import Filled
from searchsite.quality.measuring import MODES, Answered, Unanswered
from searchsite.quality.sets import BadSet, EvaluationSet

LOOK_EVERY = 1.0
SILENT_SECONDS = 600
DIRECTIONS = ("text-picture", "picture-picture", "picture-text", "text-text")


class Command(QuickCommand):
    """Puts the set in beside the teams, asks, prints the figures and takes the set away."""

    help = (
        "Measure how well questions are answered: docs/quality.md. With --set, those of a set, which goes into a team"
        " of its own, which nobody is in, and is taken away afterwards; with --judgements, those of a file; with"
        " --judged, those that people marked. What a paid server is asked for it is paid for."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--set", type=Path, metavar="DIR", help="folder with a manifest.jsonl")
        parser.add_argument("--limit", type=int, metavar="N", help="ask N questions of each kind and language at most")
        parser.add_argument("--items", type=int, metavar="N", help="put in N documents of each shelf at most")
        parser.add_argument("--direction", choices=DIRECTIONS, help="ask only in this direction")
        parser.add_argument("--language", metavar="L", help="ask only what is asked in this language, as de")
        parser.add_argument("--mode", choices=list(MODES), help="measure only this (default: all three)")
        parser.add_argument("--bands", action="store_true", help="also ask 200 questions that nothing answers")
        parser.add_argument("--keep", action="store_true", help="leave the set in: the next run only asks")
        parser.add_argument("--remove", action="store_true", help="take the set away, and do nothing else")
        parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures and all ranks there, too")
        parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
        evaluating.name_options(parser)
        name_asker(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if evaluating.is_asked(options) == bool(options["set"]):
            raise CommandError("Say what to measure: --set DIR, --judgements FILE or --judged; or what to export.")
        with plain_words():
            if not options["set"]:
                evaluating.evaluate(options, self.stdout)
                return
            try:
                wanted = _chosen(options)
                if options["remove"]:
                    there = filling.remove(wanted)
                    self.stdout.write("The set was taken away." if there else "The set is not there.")
                    return
                self._evaluate(wanted, options)
            except BadSet as error:
                raise CommandError(str(error)) from error
            except Unanswered as error:
                raise CommandError(f"{error} What was put in is kept: run it again to go on.") from error
            except KeyboardInterrupt:
                self.stdout.write("\nStopped. Run it again to go on; with --remove to take away what was put in.")

    def _evaluate(self, wanted: EvaluationSet, options: dict[str, Any]) -> None:
        filled = self._fill(wanted)
        modes = [options["mode"]] if options["mode"] else list(MODES)
        asked = measuring.measure(wanted.questions, filled, modes=modes)
        answered = list(tqdm(asked, "asking", total=len(wanted.questions), unit="", disable=None))
        about = _about(wanted, filled)
        self._print(answered, about, markdown=options["markdown"])
        bands = self._bands(answered, filled) if options["bands"] else []
        if options["json"]:
            ranks = {one.asking.id: one.ranks for one in answered}
            figures = about | reporting.summary(answered) | {"ranks": ranks, "bands": bands}
            options["json"].write_text(json.dumps(figures, indent=1), encoding="utf-8")
        if not options["keep"]:
            filling.remove(wanted)

    def _bands(self, answered: Sequence[Answered], filled: Filled) -> list[dict[str, Any]]:
        questions = banding.nonsense()
        asked = banding.ask_nonsense(filled, tqdm(questions, "asking nonsense", unit="", disable=None))
        found = banding.held(answered, list(asked))
        if not any(one.band for one in answered):
            self.stderr.write("  The space is not calibrated yet, or only words were asked: nothing has a band.")
        self.stdout.write("\n".join(banding.as_text(found)))
        return [asdict(one) for one in found]

    def _fill(self, wanted: EvaluationSet) -> Filled:
        with tqdm(desc="putting in", total=len(wanted.documents), unit="", disable=None) as bar:
            filled = filling.fill(wanted, bar.update)
        self._wait(filled)
        for name, why in filled.refused.items():
            self.stderr.write(f"  refused: {name}: {why}")
        failed = filling.progress(filled).failed
        if failed:
            self.stderr.write(f"  {failed} pieces of work failed; the figures leave out what they would have found.")
        return filled

    def _wait(self, filled: Filled) -> None:
        """Wait for the workers, as long as they get on with these items or with what is before them."""
        last = filling.progress(filled)
        moved = time.monotonic()
        with tqdm(desc="indexing", total=last.open, unit="", disable=None) as bar:
            while (now := filling.progress(filled)).open > 0:
                if now.open != last.open or now.everywhere < last.everywhere:
                    bar.total = max(bar.total or 0, bar.n + now.open)
                    bar.update(max(0, last.open - now.open))
                    moved = time.monotonic()
                elif time.monotonic() - moved > SILENT_SECONDS:
                    raise CommandError(f"{now.open} pieces of work wait, and none gets done. Is `make run` running?")
                last = now
                time.sleep(LOOK_EVERY)

    def _print(self, answered: Sequence[Answered], about: dict[str, Any], *, markdown: bool) -> None:
        found = reporting.lines(answered)
        self.stdout.write(f"{about['set']}: {about['documents']} documents, {len(answered)} questions")
        self.stdout.write(f"{about['embedder']} (space {about['space']}), reader {about['reader']}, {about['machine']}")
        self.stdout.write("\n".join(reporting.as_markdown(found) if markdown else reporting.as_text(found)))
        for note in dict.fromkeys(note for one in answered for note in one.notes):
            self.stdout.write(note)


def _chosen(options: dict[str, Any]) -> EvaluationSet:
    """The set, or the part of it that was asked for."""
    whole = sets.read(options["set"])
    if options["direction"]:
        whole = sets.towards(whole, options["direction"].replace("-", " -> "))
    if options["language"]:
        whole = sets.spoken(whole, options["language"])
    return sets.sampled(whole, items=options["items"], questions=options["limit"])


def _about(wanted: EvaluationSet, filled: Filled) -> dict[str, Any]:
    space = spaces.active()
    return {
        "set": wanted.name,
        "documents": len(filled.items),
        "refused": filled.refused,
        "space": space.pk if space else None,
        "embedder": f"{space.embedder} {space.revision}, {space.dimensions} dimensions" if space else "no embedder",
        "reader": plan.reader() or "none",
        "captioner": plan.captioner() or "none",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
