"""The floor in SQL: the least that each design costs on the product's table, by hand. Needs Django set up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, LiteralString

from pgvector import HalfVector
from psycopg import sql

from bench import machine, truth
from bench.furnishing import CHANNEL, FIRST
from bench.synthetic import Floats
from bench.truth import TOP, Task
from searchsite.indexing import centres, indexes, tables
from searchsite.indexing.models import Space

EXACT_ASKED, ASKED = 15, 150
SWEEP = (20, 40, 80, 120, 200, 400)
BUILT_TWICE_TO = 50_000
EXACT: LiteralString = """
SELECT item_id FROM {table} WHERE channel = 'image' ORDER BY vector <=> %(vector)b LIMIT 10
"""
CODES: LiteralString = """
WITH near AS MATERIALIZED (
    SELECT item_id, part_id FROM {table} WHERE channel = 'image' ORDER BY code <~> %(code)b LIMIT %(depth)s
)
SELECT item_id FROM near JOIN {table} USING (item_id, part_id) ORDER BY vector <=> %(vector)b LIMIT 10
"""
HNSW: LiteralString = """
WITH near AS MATERIALIZED (
    SELECT item_id, vector <=> %(vector)b AS distance FROM {table} WHERE channel = 'image'
    ORDER BY subvector(vector, 1, {prefix})::halfvec({prefix}) <=> %(start)b LIMIT %(depth)s
)
SELECT item_id FROM near ORDER BY distance + 0 LIMIT 10
"""
BUILD: LiteralString = """
CREATE INDEX {index} ON {table} USING hnsw ((subvector(vector, 1, {prefix})::halfvec({prefix})) halfvec_cosine_ops)
WITH (m = 16, ef_construction = {effort}) WHERE channel = 'image'
"""
PREFIXED = "SELECT count(*) FROM pg_indexes WHERE tablename = %s AND indexdef LIKE '%%hnsw%%subvector%%'"
Asks = Callable[[Floats, int], dict[str, Any]]


def measure(task: Task, server: int) -> dict[str, Any]:
    """Curves of recall and cost of each design. An index that the product has not is built here, and counted."""
    space = Space.objects.get(embedder="synthetic")
    centre = centres.centre_of(space, CHANNEL)
    mean = centre.mean if centre is not None else None
    found: dict[str, Any] = {"builds": dict(_builds(space, task, server))}
    prefix = indexes.design_of(space).dimensions
    found["exact"] = _curve(space, task, EXACT, (TOP,), lambda vector, _: {"vector": HalfVector(vector)})
    found["codes"] = _curve(
        space,
        task,
        CODES,
        SWEEP,
        lambda vector, depth: {
            "vector": HalfVector(vector),
            "code": tables.code_of(vector, mean),
            "depth": depth,
        },
    )
    found["hnsw"] = _curve(
        space,
        task,
        HNSW,
        SWEEP,
        lambda vector, depth: {
            "vector": HalfVector(vector),
            "start": HalfVector(vector[:prefix]),
            "depth": depth,
        },
    )
    with tables.cursor() as cursor:
        cursor.execute("DROP INDEX IF EXISTS by_hand_128")
    return found


def _builds(space: Space, task: Task, server: int) -> Iterator[tuple[str, dict[str, float]]]:
    """CPU of building by hand: at the usual effort to compare with libraries, at ours where the product did not."""
    with tables.cursor() as cursor:
        row = cursor.execute(PREFIXED, [tables.name(space.pk)]).fetchone()
        cursor.execute("SET maintenance_work_mem = '2GB'")
    if task.count <= BUILT_TWICE_TO:
        yield "64", _build(space, task, server, 64)
        with tables.cursor() as cursor:
            cursor.execute("DROP INDEX by_hand_64")
    if row is None or not row[0]:
        yield "128", _build(space, task, server, 128)


def _build(space: Space, task: Task, server: int, effort: int) -> dict[str, float]:
    statement = sql.SQL(BUILD).format(
        index=sql.Identifier(f"by_hand_{effort}"),
        table=sql.Identifier(tables.name(space.pk)),
        prefix=sql.Literal(indexes.design_of(space).dimensions),
        effort=sql.Literal(effort),
    )
    with machine.Stopwatch(server) as building, tables.cursor() as cursor:
        cursor.execute(statement)
    with tables.cursor() as cursor:
        size = cursor.execute("SELECT pg_relation_size(%s::regclass)", [f"by_hand_{effort}"]).fetchall()[0][0]
    return {
        "cpu_s": round(building.cpu, 2),
        "rows_cpu_s": round(task.count / max(building.cpu, 0.01)),
        "bytes": int(size),
    }


def _curve(
    space: Space, task: Task, statement: LiteralString, depths: tuple[int, ...], values: Asks
) -> list[dict[str, Any]]:
    whole = sql.SQL(statement).format(
        table=sql.Identifier(tables.name(space.pk)),
        prefix=sql.Literal(indexes.design_of(space).dimensions),
        effort=sql.Literal(0),
    )
    asked = task.questions[: EXACT_ASKED if statement is EXACT else ASKED]
    found = []
    with tables.cursor() as cursor:
        cursor.execute("SET plan_cache_mode = force_custom_plan")
        cursor.execute("SET hnsw.iterative_scan = relaxed_order")
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchall()[0][0]
        for depth in depths:
            cursor.execute("SELECT set_config('hnsw.ef_search', %s, false)", [str(min(depth, 1000))])
            hits: list[list[int]] = []
            times: list[float] = []
            for question in asked[: max(3, len(asked) // 10)]:
                cursor.execute(whole, values(question, depth), prepare=True, binary=True).fetchall()
            server, client = machine.process_cpu(backend), time.process_time()
            for question in asked:
                began = time.perf_counter()
                rows = cursor.execute(whole, values(question, depth), prepare=True, binary=True).fetchall()
                times.append((time.perf_counter() - began) * 1000)
                hits.append([row[0] - FIRST for row in rows])
            client = (time.process_time() - client) * 1000 / len(asked)
            server = (machine.process_cpu(backend) - server) * 1000 / len(asked)
            cost = machine.Cost(server, client, tuple(times))
            found.append({"setting": depth, "recall": truth.recall(hits, task.answers), **cost.figures})
    return found
