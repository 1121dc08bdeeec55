"""What a database holds: nothing, what a restore is just filling in, or all of it. And how it is emptied again."""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError, connection, transaction

from searchsite.ops.errors import CannotKeep

# Whatever stands in `public` by itself: no part of an extension, of a table or of a column.
OBJECTS = """
WITH object AS (
    SELECT 'pg_class'::regclass AS class, oid FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    UNION ALL
    SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'pg_type'::regclass, pg_type.oid FROM pg_type LEFT JOIN pg_class ON pg_class.oid = typrelid
    WHERE typnamespace = 'public'::regnamespace AND typtype IN ('d', 'e', 'c') AND coalesce(relkind, 'c') = 'c'
    UNION ALL
    SELECT 'pg_ts_config'::regclass, oid FROM pg_ts_config WHERE cfgnamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'pg_ts_dict'::regclass, oid FROM pg_ts_dict WHERE dictnamespace = 'public'::regnamespace
)
SELECT said.type, said.identity FROM object, pg_identify_object(class, object.oid, 0) AS said
WHERE NOT EXISTS (
    SELECT FROM pg_depend
    WHERE classid = class AND objid = object.oid AND objsubid = 0
    AND (deptype = 'e' OR class = 'pg_class'::regclass AND deptype IN ('a', 'i'))
)
"""
# Some servers answer before a change is on the disk, and files would have moved by then.
DURABLY = "SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'"
MARK = "restore_under_way"
# Takes a remark on what was restored last.
SIGNED = "public.django_migrations"
MARKED = f"SELECT to_regclass('public.{MARK}') IS NOT NULL"


def is_empty() -> bool:
    """Whether there is nothing but extensions."""
    return _rows(f"SELECT NOT EXISTS ({OBJECTS})") == [(True,)]


def require_in_public() -> None:
    """Refuse a backup of tables that stand elsewhere, since only what is in `public` is ours."""
    if _rows("SELECT to_regclass('public.item') IS NOT NULL") != [(True,)]:
        raise CannotKeep("The tables are not in the schema `public`, and only that is backed up.")


def mark(stamp: str) -> None:
    """Note in an empty database that a restore fills it: until the mark is gone it is not whole."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE public.{MARK} AS SELECT %s::text AS stamp", [stamp])
    except DatabaseError as error:
        raise CannotKeep(f"No tables can be made in the database: {str(error).strip()}.") from None


def marked() -> str | None:
    """Which restore is filling this database."""
    return str(_rows(f"SELECT stamp FROM public.{MARK}")[0][0]) if _rows(MARKED) == [(True,)] else None


def unmark(stamp: str) -> None:
    """Now it is whole, and says which restore has made it so; no dump takes that along."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(DURABLY)
        cursor.execute(f"DROP TABLE public.{MARK}")
        cursor.execute(f"COMMENT ON TABLE {SIGNED} IS %s", [stamp])


def was_restored(stamp: str) -> bool:
    """Whether this restore has filled it, and came to its end."""
    return _rows(f"SELECT obj_description(to_regclass('{SIGNED}'), 'pg_class')") == [(stamp,)]


def empty() -> None:
    """Drop all that a restore has put in, at once or not at all. Only for a database that was empty before."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(DURABLY)
        cursor.execute(OBJECTS)
        for kind, identity in cursor.fetchall():
            # Both as Postgres writes them. What hung on something else is gone with it.
            what = "ROUTINE" if kind in ("function", "procedure", "aggregate") else kind
            cursor.execute(f"DROP {what} IF EXISTS {identity} CASCADE")  # nosemgrep: statement-of-pieces - quoted so


def _rows(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())
