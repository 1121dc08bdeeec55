"""Indexes that migrations build on tables that are in use: nobody is kept from writing meanwhile.

For migrations that are not atomic. What was cut off in its midst leaves an index behind that is none; the next try
begins with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState

SET = "SELECT set_config('statement_timeout', %s, false)"
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"


class AddIndexResumably(AddIndexConcurrently):
    """Add an index without a lock that writers wait for, however often it takes."""

    atomic = False

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Take what is there and whole, remove what is not, and build it."""
        self._ensure_not_in_transaction(schema_editor)
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(VALID, [self.index.name])
            found = cursor.fetchone()
        if found == (True,):
            return
        with _patiently(schema_editor):
            if found is not None:
                # nosemgrep: statement-of-pieces - the name is the migration's own, and quoted
                schema_editor.execute(f"DROP INDEX CONCURRENTLY {schema_editor.quote_name(self.index.name)}")
            super().database_forwards(app_label, schema_editor, from_state, to_state)


@contextmanager
def _patiently(schema_editor: BaseDatabaseSchemaEditor) -> Iterator[None]:
    """A million rows take longer than any other statement may."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout')")
        before = cursor.fetchone()
        cursor.execute("SET statement_timeout = 0")
    try:
        yield
    finally:
        # Not RESET: whoever migrates may have lifted the limit for all that comes after this, too.
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(SET, before)
