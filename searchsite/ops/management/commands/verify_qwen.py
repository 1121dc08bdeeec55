"""`manage.py verify_qwen`: the configured Qwen3 networks against the numbers that their makers published."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from searchsite import config as configuration
from searchsite.config import Config
from searchsite.inference import local, server
from searchsite.inference.builtin.engine import Engine
from searchsite.inference.client import Client
from searchsite.inference.qwen import published
from searchsite.inference.qwen.published import Row
from searchsite.inference.routes import Routes
from searchsite.inference.stages import Stages, stages_from
from searchsite.ops import household
from searchsite.ops.quick import QuickCommand


class Command(QuickCommand):
    """Prints a row for each number: pass, fail or skipped. A failed row makes the exit code 1. Needs no database."""

    amid_a_restore = True
    help = "Compare the configured Qwen3 networks with published numbers; a remote one is paid for as usual (cents)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--pictures",
            type=Path,
            metavar="FOLDER",
            help="a folder with demo.jpeg, img_0, img_6, img_7 and img_9 of Qwen's examples, and vLLM's cat_snow.jpg",
        )

    def handle(self, *args: Any, pictures: Path | None = None, **options: Any) -> None:
        if pictures is not None and not pictures.is_dir():
            raise CommandError(f"There is no folder {pictures}.")
        config = configuration.load()
        outcomes: Counter[str] = Counter()
        try:
            with _served(config) as stages, Client(stages) as client:
                for row in published.compare(client, published.pictures_in(pictures)):
                    outcomes[row.outcome] += 1
                    self.stdout.write(line(row))
        except (local.CannotLoad, server.CannotServe) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(", ".join(f"{outcomes[name]} {name}" for name in ("pass", "fail", "skipped")))
        if outcomes["fail"]:
            raise CommandError("The networks do not answer as published; docs/models.md says how to start them.")


def line(row: Row) -> str:
    """A row as it is printed."""
    trial = row.trial
    found = "" if row.value is None else f"{row.value:.4f}, published {trial.expected:.4f} +- {trial.tolerance:.4f}"
    return f"{row.outcome:8} {trial.network:22} {trial.about:48} {found}{row.note}".rstrip()


@contextmanager
def _served(config: Config) -> Iterator[Stages]:
    """The stages, whole vectors; where our own server is meant and not running, it runs in this process meanwhile."""
    stages = stages_from(config)
    stages = replace(stages, embed=replace(stages.embed, dimensions=None))
    ours = local.local_from(config)
    if not ours.networks or household.inference_answers(config) is None:
        yield stages
        return
    with tempfile.TemporaryDirectory(prefix="searchsite-") as directory:
        routes = Routes(Engine(Path(directory)), local=local.open_desk(ours))
        with server.listening(Path(directory) / "inference.sock", routes) as place:
            moved = {
                stage: replace(endpoint, socket=place)
                for stage in local.STAGES
                if (endpoint := getattr(stages, stage)) is not None and endpoint.is_local
            }
            yield replace(stages, read=None, **moved)
        routes.stop(5)
