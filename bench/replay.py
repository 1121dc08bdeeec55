"""Asks each question once, notes the SQL that it ran, and prints the CPU milliseconds that this SQL alone costs.

The last line is JSON: of all of it, of that which searches by vector, and of that which searches by words.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import django
import psycopg
from pgvector.psycopg import register_vector

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "searchsite.settings")
django.setup()

from django.db import connection  # noqa: E402  # these need Django set up

from bench import machine  # noqa: E402
from searchsite.accounts.models import Team, User  # noqa: E402
from searchsite.library.scope import scope_for  # noqa: E402
from searchsite.search.find import find  # noqa: E402
from searchsite.search.questions import from_query  # noqa: E402

Statement = tuple[Any, Any, bool]
SEARCHED = ("embedding_", "FROM part", "FROM item", "FROM unnest")
BY_VECTOR, BY_WORDS = "embedding_", "tsquery"
# What the search sets for the length of its transaction.
SETTING = "set_config"


def main() -> None:
    """Ask, then run what was noted again and again."""
    rounds, questions = int(sys.argv[1]), sys.argv[2:]
    scope = scope_for(User.objects.get(username="admin"), Team.objects.get(name="home"))
    noted = [_noted(lambda question=question: find(from_query({"q": question}), scope)) for question in questions]
    settings = connection.get_connection_params()
    own = {
        name: settings[name] for name in ("host", "port", "user", "password", "dbname", "options") if name in settings
    }
    with psycopg.connect(**own, autocommit=True) as raw:
        register_vector(raw)
        found = {
            "all": _cost(raw, noted, rounds),
            "vector": _cost(raw, _those(noted, BY_VECTOR), rounds),
            "words": _cost(raw, _those(noted, BY_WORDS), rounds),
        }
    print(json.dumps(found))


def _those(noted: list[list[Statement]], word: str) -> list[list[Statement]]:
    return [[one for one in some if word in one[0] or SETTING in one[0]] for some in noted]


def _cost(raw: psycopg.Connection[Any], noted: list[list[Statement]], rounds: int) -> dict[str, float]:
    """CPU milliseconds a question: of both ends, and of the database alone."""
    _run(raw, noted)
    before, server = _cpu(raw), machine.process_cpu(raw.info.backend_pid)
    for _ in range(rounds):
        _run(raw, noted)
    each = 1000 / (rounds * len(noted))
    server = machine.process_cpu(raw.info.backend_pid) - server
    return {"cpu_ms": (_cpu(raw) - before) * each, "database_ms": server * each}


def _noted(ask: Callable[[], object]) -> list[Statement]:
    """The statements that read what is searched; not the ones that open and close transactions."""
    noted: list[Statement] = []
    execute = psycopg.Cursor.execute

    def note(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        text = query if isinstance(query, str) else query.as_string(self)
        if any(word in text for word in (*SEARCHED, SETTING)) and "INSERT" not in text:
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
        with raw.transaction():
            for text, params, binary in statements:
                with raw.cursor(binary=binary) as cursor:
                    cursor.execute(text, params).fetchall()


def _cpu(raw: psycopg.Connection[Any]) -> float:
    """CPU seconds of this process and of its database backend."""
    return machine.process_cpu(raw.info.backend_pid) + time.process_time()


if __name__ == "__main__":
    main()
