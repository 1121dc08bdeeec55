"""Whether the site lives and is ready, for load balancers, probes and `manage.py up`."""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache

from celery.exceptions import CeleryError
from django.conf import settings
from django.db import Error, connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from kombu.exceptions import KombuError, OperationalError

from searchsite.celery import app
from searchsite.indexing import trouble
from searchsite.inference.stages import stages_from
from searchsite.library import volumes
from searchsite.ops import household

READY, SILENT = "ok", "does not answer"
# Whoever watches over the site gets an answer within a second, whatever stands still.
ANSWER_SECONDS = 0.8


class SchemaOutdated(Exception):
    """Migrations are missing in the database."""


@require_safe
def livez(request: HttpRequest) -> HttpResponse:
    """Answer that this process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when requests can be served: that needs the database. What else is missing is named."""
    parts = _probes.ask({"database": _database, "broker": _broker, "inference": _inference, "disk": _disk})
    degraded = [name for name, said in parts.items() if said != READY]
    status = 503 if "database" in degraded else 200
    answer = JsonResponse({"ready": status == 200, "degraded": degraded, "parts": parts}, status=status)
    answer["Cache-Control"] = "no-store"
    if status == 503:
        answer["Retry-After"] = "5"
    return answer


class _Probes:
    """Asks each part in a thread of its own; a part that has not answered yet is not asked anew."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(8, thread_name_prefix="probe")
        self._asked: dict[str, Future[str]] = {}

    def ask(self, parts: dict[str, Callable[[], str]]) -> dict[str, str]:
        for name, part in parts.items():
            if name not in self._asked or self._asked[name].done():
                self._asked[name] = self._threads.submit(_ask, part)
        asked = dict(self._asked)
        wait(asked.values(), timeout=ANSWER_SECONDS)
        return {name: asked[name].result() if asked[name].done() else SILENT for name in parts}


def _ask(part: Callable[[], str]) -> str:
    try:
        return part()
    finally:
        connections.close_all()


_probes = _Probes()


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
        _require_schema()
    except SchemaOutdated:
        return "migrations are missing"
    except Error:
        return SILENT
    return READY


@cache  # An exception is not kept, so this is asked until it was true once.
def _require_schema() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise SchemaOutdated


def _broker() -> str:
    try:
        with app.connection_for_write(connect_timeout=2) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=2)
    except (OSError, KombuError, CeleryError, OperationalError):
        return SILENT
    return READY


def _disk() -> str:
    low = volumes.short()
    return READY if low is None else f"nearly full ({low.name})"


def _inference() -> str:
    stages = stages_from(settings.CONFIG)
    if stages.any_local and household.inference_answers(settings.CONFIG) is not None:
        return SILENT
    if not stages.embed.is_local:
        try:
            # nosemgrep: http-of-its-own - it says nothing, and waits for two seconds at most
            socket.create_connection(household.network_place(stages.embed.url), timeout=2).close()
        except OSError:
            return SILENT
    return _known_troubles() or READY


def _known_troubles() -> str:
    """What the last calls to the networks have shown. No host is named: strangers may read this."""
    try:
        return ", ".join(f"{one.said} ({one.what})" for one in trouble.now())
    except Error:
        return ""
