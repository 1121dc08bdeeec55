"""`manage.py ask "question"`: an answer from the library, as it is written, and its sources."""

from __future__ import annotations

from contextlib import closing, suppress
from typing import Any

from django.core.management.base import CommandError, CommandParser

from searchsite.answers import asking
from searchsite.answers.answering import Answering
from searchsite.library.refusals import Refusal
from searchsite.ops.acting import name_asker, plain_words, scope_of_asker
from searchsite.ops.quick import QuickCommand
from searchsite.search.questions import BadQuestion, Question, Term


class Command(QuickCommand):
    """Asks and prints. Ctrl-C stops the answer."""

    help = "Have a question answered on the command line."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("question", nargs="+", help="what to ask")
        name_asker(parser)
        parser.add_argument("--thinking", action="store_true", help="let the network think first")

    def handle(self, *args: Any, **options: Any) -> None:
        with plain_words():
            scope = scope_of_asker(options)
            question = Question((Term(text=" ".join(options["question"])),))
            try:
                answering = asking.ask(question, scope, thinking=options["thinking"])
            except (BadQuestion, Refusal) as error:
                raise CommandError(str(error)) from None
            with closing(answering), suppress(KeyboardInterrupt):
                self._follow(answering)
            self._close(answering)

    def _follow(self, answering: Answering) -> None:
        said = ""
        for _step in asking.follow(answering):
            if answering.text.startswith(said):
                self.stdout.write(answering.text[len(said) :], ending="")
                self.stdout.flush()
                said = answering.text

    def _close(self, answering: Answering) -> None:
        cited = set(answering.cited)
        self.stdout.write("\n" if answering.text else "", ending="")
        for source in answering.sources:
            self.stdout.write(f"{'*' if source.number in cited else ' '}[{source.number}] {source.item.title}")
        by = f"Answered by {answering.answered_by} in {answering.took_ms / 1000:.1f} s." if answering.text else ""
        for line in filter(None, (answering.sentence, by)):
            self.stdout.write(line)
