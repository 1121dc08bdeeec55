"""The floor under a search page: one prepared statement of 24 rows, put into HTML by hand. A bare WSGI program.

It asks for the same things as the page does, of one channel, within all collections, and has no rights, no forms and
no languages. SPACE names the table; DSN says where.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from html import escape
from typing import Any
from urllib.parse import parse_qs

import psycopg
from pgvector import HalfVector
from pgvector.psycopg import register_vector

from bench import synthetic

SQL = """
WITH near AS MATERIALIZED (
    SELECT item_id, part_id FROM embedding_{space} WHERE channel = 'image' AND collection_id = ANY(%(collections)s)
    ORDER BY code <~> binary_quantize(%(vector)b::halfvec) LIMIT 100
), best AS (
    SELECT near.item_id, part_id, vector <=> %(vector)b AS distance
    FROM near JOIN embedding_{space} USING (item_id, part_id) ORDER BY 3 LIMIT 24
)
SELECT item.public_id, item.title, collection.name, item.created_at, best.distance
FROM best JOIN item ON item.id = best.item_id JOIN collection ON collection.id = item.collection_id ORDER BY distance
"""
_local = threading.local()
_questions = synthetic.World(1024).queries("cross", 40)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """`?n=7` is the seventh question."""
    number = int(parse_qs(environ.get("QUERY_STRING", "")).get("n", ["0"])[0])
    values = {"vector": HalfVector(_questions[number % len(_questions)]), "collections": _collections()}
    rows = _connection().execute(_statement(), values, prepare=True, binary=True).fetchall()
    cards = "".join(
        f'<li><a href="/items/{public}/">{escape(title)}</a><span>{escape(place)}</span>'
        f"<time>{made:%Y-%m-%d}</time><meter value={1 - distance:.2f}></meter></li>"
        for public, title, place, made, distance in rows
    )
    body = f"<!doctype html><title>Search</title><ol>{cards}</ol>".encode()
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body)))])
    return [body]


def _connection() -> psycopg.Connection[Any]:
    if not hasattr(_local, "connection"):
        _local.connection = psycopg.connect(os.environ["DSN"], autocommit=True)
        register_vector(_local.connection)
    kept: psycopg.Connection[Any] = _local.connection
    return kept


def _statement() -> Any:
    return SQL.replace("{space}", str(int(os.environ["SPACE"])))


def _collections() -> list[int]:
    if not hasattr(_local, "collections"):
        _local.collections = [pk for (pk,) in _connection().execute("SELECT id FROM collection").fetchall()]
    kept: list[int] = _local.collections
    return kept
