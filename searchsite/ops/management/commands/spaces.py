"""`manage.py spaces`: list the spaces that vectors lie in, and build, activate, roll back or drop one."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from searchsite.indexing import estimates, finding, spaces, standing, uncaptioned, upkeep
from searchsite.indexing.models import Space, SpaceStatus
from searchsite.inference.errors import InferenceError
from searchsite.ops import building
from searchsite.ops.acting import plain_words
from searchsite.ops.quick import QuickCommand

VERBS = ("list", "estimate", "build", "activate", "rollback", "cancel", "drop")
ON_ONE = ("activate", "cancel", "drop")


class Command(QuickCommand):
    """The verbs of the operators' page on a terminal."""

    help = "List the spaces that vectors lie in; estimate, build, activate, rollback, cancel or drop one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", nargs="?", default="list", choices=VERBS)
        parser.add_argument("space", nargs="?", help="its number in the list; for activate, cancel and drop")
        parser.add_argument("--force", action="store_true", help="activate although parts lack vectors")

    def handle(self, *args: Any, **options: Any) -> None:
        verb, number = options["verb"], options["space"]
        if (number is not None) != (verb in ON_ONE):
            raise CommandError(f"{verb} needs the number of a space." if verb in ON_ONE else f"{verb} takes no number.")
        with plain_words():
            try:
                self._do(verb, building.named(number) if number else None, force=options["force"])
            except InferenceError as error:
                raise CommandError(error.message) from error
            except spaces.Gaps as error:
                raise CommandError(f"{error} --force lets it answer all the same.") from error
            except spaces.NotNow as error:
                raise CommandError(str(error)) from error

    def _do(self, verb: str, space: Space | None, *, force: bool) -> None:
        if space is not None:
            self._change(verb, space, force=force)
        elif verb == "build":
            made = spaces.build()
            items = estimates.counted(upkeep.fill(made), "item")
            self.stdout.write(f"{made} is built beside the one that answers: {items} to embed.")
            self._tell_of_captions()
        elif verb == "rollback":
            back, missing = spaces.roll_back()
            self.stdout.write(f"{back} answers again; {estimates.counted(missing, 'part')} to be embedded in it.")
        elif verb == "estimate":
            for line in building.estimate_lines(estimates.plan_for()):
                self.stdout.write(line)
        else:
            self._list()

    def _change(self, verb: str, space: Space, *, force: bool) -> None:
        name = str(space)
        if verb == "activate":
            spaces.activate(space, force=force)
            self.stdout.write(f"{name} answers now; `manage.py spaces rollback` goes back.")
        elif verb == "cancel":
            spaces.cancel(space)
            self.stdout.write(f"{name} is not built any more.")
        else:
            spaces.drop(space)
            self.stdout.write(f"{name} is dropped with its vectors.")

    def _tell_of_captions(self) -> None:
        for line in building.caption_lines(uncaptioned.backlog()):
            self.stdout.write(line)

    def _list(self) -> None:
        now = standing.now()
        for space in Space.objects.exclude(status=SpaceStatus.DROPPED).order_by("pk"):
            found = estimates.progress(space)
            held = estimates.size(estimates.disk(space))
            end = spaces.kept_until(space)
            until = f", kept until {end:%Y-%m-%d %H:%M} UTC" if end else ""
            self.stdout.write(
                f"{space.pk:>4}  {space.status:<8}  {space}  {building.progress_line(found)}, {held}{until}"
            )
            for line in building.finding_lines(finding.findings(space)):
                self.stdout.write(f"      {line}")
        if now.serving is None:
            self.stdout.write(f"Nothing is indexed yet; {now.configured.network} is configured.")
        elif now.differs:
            name, host = now.configured.network, now.configured.name
            what = building.what_to_do(now.beside)
            self.stdout.write(f"Configured: {name} at {host}; answering: {now.serving}. {what}")
        self._tell_of_captions()
