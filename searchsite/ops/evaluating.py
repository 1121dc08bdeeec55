"""`manage.py evaluate` on judgements: of a file, or of the teams themselves; what it prints, and what it writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser, OutputWrapper

from searchsite.accounts.models import Team
from searchsite.library.models import Item
from searchsite.ops.acting import scope_of_asker
from searchsite.quality import judged, judgement_files, runs
from searchsite.quality.judged import Judged
from searchsite.quality.judgement_files import BadJudgements
from searchsite.quality.measuring import MODES
from searchsite.quality.models import Origin
from searchsite.quality.runs import Configuration, Measured
from searchsite.quality.scoring import DEEPEST, METRICS

SECONDS, DEPTH = 3600.0, 100
BAD_FILE = 2
"""Exit status where a file can't be read; below a floor it is 1."""
WRITTEN = ("export_judgements", "export_qrels", "export_queries", "export_run")


def name_options(parser: CommandParser) -> None:
    """Let the command be told of judgements."""
    parser.add_argument("--judgements", type=Path, metavar="FILE", help="measure on TREC qrels, or our JSON lines")
    parser.add_argument("--queries", type=Path, metavar="FILE", help="the questions of qrels: id, tab, words; or JSON")
    parser.add_argument("--judged", action="store_true", help="measure on what each team has judged, and keep it")
    parser.add_argument(
        "--floor", action="append", default=[], metavar="NAME=X", help="end with status 1 where a figure is below X"
    )
    for name, what in zip(
        WRITTEN, ("judgements as JSON lines", "TREC qrels", "their questions", "a TREC run"), strict=True
    ):
        parser.add_argument(f"--{name.replace('_', '-')}", type=Path, metavar="FILE", help=f"write {what} there")


def is_asked(options: Mapping[str, Any]) -> bool:
    """Whether the command is about judgements, and not about a set."""
    return bool(options["judgements"] or options["judged"] or any(options[name] for name in WRITTEN))


def evaluate(options: Mapping[str, Any], out: OutputWrapper) -> None:
    """Measure, print, write. Raises CommandError with status 1 below a floor, and 2 for a file that can't be read."""
    floors = _floors(options["floor"])
    _refuse_what_is_not_heeded(options)
    try:
        if options["judgements"]:
            _of_file(options, floors, out)
        elif options["judged"]:
            _of_teams(options["team"], floors, out)
        else:
            _write(options, judged.for_viewer(scope_of_asker(options), most=judged.MOST * 10), out)
    except BadJudgements as error:
        raise CommandError(str(error), returncode=BAD_FILE) from error


def _refuse_what_is_not_heeded(options: Mapping[str, Any]) -> None:
    """An option that changed nothing would be taken for one that did. Raises CommandError."""
    names: Sequence[str] = ()
    if options["judgements"]:
        alone, names = "--judgements", ("judged", "export_judgements", "export_queries")
    elif options["judged"]:
        alone, names = "--judged", ("mode", "limit", "queries", *WRITTEN)
    given = [f"--{name.replace('_', '-')}" for name in names if options.get(name)]
    if given:
        raise CommandError(f"{', '.join(given)} can't stand beside {alone}.", returncode=BAD_FILE)


def _of_file(options: Mapping[str, Any], floors: Mapping[str, float], out: OutputWrapper) -> None:
    scope = scope_of_asker(options)
    asked = judgement_files.read(options["judgements"], options["queries"], scope)
    _tell_missing(asked, out)
    measured = _measured(asked, options)
    _print(measured, out)
    if options["export_run"]:
        judgement_files.write_run(options["export_run"], measured.asked, measured.lists)
    if options["export_qrels"]:
        judgement_files.write_qrels(options["export_qrels"], asked)
    if floors and measured.left_out:
        raise CommandError(
            f"{measured.left_out} questions were left out: the rest holds no floor. {measured.why}".strip()
        )
    _hold_to([(str(options["judgements"]), measured.mean)], floors)


def _of_teams(name: str | None, floors: Mapping[str, float], out: OutputWrapper) -> None:
    teams = Team.objects.filter(name__iexact=name) if name else Team.objects.order_by("name")
    if name and not teams:
        raise CommandError(f"There is no team named {name!r}.")
    figures: list[tuple[str, Mapping[str, float]]] = []
    for team in teams:
        made, why = runs.run(team, Origin.COMMAND, seconds=SECONDS)
        if made is None:
            out.write(f"{team.name}: nothing to measure. {why}".rstrip())
            continue
        out.write(
            f"{team.name}: {made.asked} questions, {made.by_marks} by marks, {made.left_out} left out. {why}".rstrip()
        )
        out.write(_line(made.figures))
        figures.append((team.name, made.figures))
    if floors and not figures:
        raise CommandError("Nothing was measured, so no floor is held.")
    _hold_to(figures, floors)


def _write(options: Mapping[str, Any], asked: Sequence[Judged], out: OutputWrapper) -> None:
    if not asked:
        raise CommandError("There is no judgement that this person sees.")
    writers = (judgement_files.write_judgements, judgement_files.write_qrels, judgement_files.write_queries)
    for name, write in zip(WRITTEN, writers, strict=False):
        if options[name]:
            write(options[name], asked)
            out.write(f"{options[name]}: {len(asked)} questions")
    if options["export_run"]:
        measured = _measured(asked, options)
        judgement_files.write_run(options["export_run"], measured.asked, measured.lists)
        out.write(f"{options['export_run']}: {len(measured.asked)} questions, {measured.left_out} left out")
        _print(measured, out)


def _measured(asked: Sequence[Judged], options: Mapping[str, Any]) -> Measured:
    depth = DEPTH if options["export_run"] else DEEPEST
    how = Configuration(mode=MODES[options["mode"] or "fused"])
    measured = runs.measure(asked[: options["limit"]], how, seconds=SECONDS, depth=depth)
    if not measured.asked:
        raise CommandError(measured.why or "No question was asked.")
    return measured


def _tell_missing(asked: Sequence[Judged], out: OutputWrapper) -> None:
    """An answer that is not there can't be found: the figures count it, as they should, but one wants to know."""
    wanted = {item for one in asked for item, grade in one.grades.items() if grade > 0}
    scope = asked[0].scope if asked else None
    there = Item.objects.visible_to(scope).filter(public_id__in=wanted).count() if scope else 0
    if there < len(wanted):
        out.write(f"{len(wanted) - there} of {len(wanted)} answers are not in this library, or not for this person.")


def _print(measured: Measured, out: OutputWrapper) -> None:
    out.write(f"{len(measured.asked)} questions, {measured.left_out} left out. {measured.why}".rstrip())
    out.write(_line(measured.mean))


def _line(figures: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {float(figures[name]):.4f}" for name in METRICS)


def _floors(given: Sequence[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for one in given:
        name, _, value = one.partition("=")
        try:
            found[name.strip().lower()] = float(value)
        except ValueError:
            raise CommandError(f"--floor {one}: it is written like ndcg@10=0.5.", returncode=BAD_FILE) from None
    if unknown := sorted(set(found) - set(METRICS)):
        raise CommandError(f"--floor {unknown[0]}: figures are {', '.join(METRICS)}.", returncode=BAD_FILE)
    return found


def _hold_to(measured: Sequence[tuple[str, Mapping[str, float]]], floors: Mapping[str, float]) -> None:
    below = [
        f"{where}: {name} is {float(figures[name]):.4f}, below {floor:g}."
        for where, figures in measured
        for name, floor in floors.items()
        if float(figures[name]) < floor
    ]
    if below:
        raise CommandError("\n".join(below), returncode=1)
