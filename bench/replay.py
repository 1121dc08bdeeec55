"""Asks each question once, notes the SQL that it ran, and prints the CPU milliseconds that this SQL alone costs."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import Any

import django
import psutil
import psycopg
from pgvector.psycopg import register_vector

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "searchsite.settings")
django.setup()

from django.db import connection  # noqa: E402  # these need Django set up

from searchsite.accounts.models import Team, User  # noqa: E402
from searchsite.library.scope import scope_for  # noqa: E402
from searchsite.search.find import find  # noqa: E402
from searchsite.search.questions import from_query  # noqa: E402

Statement = tuple[Any, Any, bool]
SEARCHED = ("embedding_", "FROM part", "FROM item", "FROM unnest")


def main() -> None:
    """The last word printed is the figure."""
    rounds, questions = int(sys.argv[1]), sys.argv[2:]
    scope = scope_for(User.objects.get(username="admin"), Team.objects.get(name="home"))
    noted = [_noted(lambda question=question: find(from_query({"q": question}), scope)) for question in questions]
    settings = connection.get_connection_params()
    own = {
        name: settings[name] for name in ("host", "port", "user", "password", "dbname", "options") if name in settings
    }
    with psycopg.connect(**own, autocommit=True) as raw:
        register_vector(raw)
        _run(raw, noted)
        before = _cpu(raw)
        for _ in range(rounds):
            _run(raw, noted)
        used = _cpu(raw) - before
    print(used * 1000 / (rounds * len(questions)))


def _noted(ask: Callable[[], object]) -> list[Statement]:
    """The statements that read what is searched; not the ones that open and close transactions."""
    noted: list[Statement] = []
    execute = psycopg.Cursor.execute

    def note(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        text = query if isinstance(query, str) else query.as_string(self)
        if any(word in text for word in SEARCHED):
            noted.append((text, params, bool(options.get("binary"))))
        return execute(self, query, params, **options)

    psycopg.Cursor.execute = note  # type: ignore[method-assign,assignment]
    try:
        ask()
    finally:
        psycopg.Cursor.execute = execute  # type: ignore[method-assign]
    return noted


def _run(raw: psycopg.Connection[Any], noted: list[list[Statement]]) -> None:
    for statements in noted:
        for text, params, binary in statements:
            with raw.cursor(binary=binary) as cursor:
                cursor.execute(text, params).fetchall()


def _cpu(raw: psycopg.Connection[Any]) -> float:
    """CPU seconds of this process's main thread and of its database backend."""
    assert threading.current_thread() is threading.main_thread()
    backend = psutil.Process(raw.info.backend_pid).cpu_times()
    own = psutil.Process().cpu_times()
    return float(backend.user + backend.system + own.user + own.system)


if __name__ == "__main__":
    main()
