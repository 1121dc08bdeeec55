"""`manage.py search "words"`: what the search page finds, as lines of text."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from searchsite.ops.acting import name_asker, plain_words, scope_of_asker
from searchsite.ops.quick import QuickCommand
from searchsite.search import find
from searchsite.search.find import Hit, Results
from searchsite.search.questions import BadQuestion, Question, Term, checked


class Command(QuickCommand):
    """Asks and prints."""

    help = "Search from the command line."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("words", nargs="+", help="what to look for")
        name_asker(parser)
        parser.add_argument("--limit", type=int, default=10, help="how many to show (default: 10)")

    def handle(self, *args: Any, **options: Any) -> None:
        with plain_words():
            scope = scope_of_asker(options)
            try:
                question = checked(Question((Term(text=" ".join(options["words"])),), limit=options["limit"]))
                results = find.find(question, scope)
            except BadQuestion as error:
                raise CommandError(str(error)) from None
        self._show(results)

    def _show(self, results: Results) -> None:
        for place, hit in enumerate(results.hits, start=1):
            self.stdout.write(_line(place, hit))
        self.stdout.write(f"{len(results.hits)} found in {results.took_ms:.0f} ms ({results.space or 'words alone'}).")
        for note in results.notes:
            self.stdout.write(note)


def _line(place: int, hit: Hit) -> str:
    why = ", ".join(f"{one.channel} {one.rank}" for one in hit.why)
    return f"{place:3}. {hit.item.title}  [{hit.item.kind}, {hit.band or 'unrated'}; {why}]  {hit.item.id}"
