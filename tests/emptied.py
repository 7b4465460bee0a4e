"""A database that one test after the other uses: emptied between them, or thrown away.

To copy a migrated database takes ten times as long as to empty one. A database whose
tables, triggers, policies or rights are other than those of its template is not reused.
"""

from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql

GROWN: Final = 4 << 20
"""Bytes by which a database may have grown and still be used again."""

_SHAPE: Final = """
    SELECT md5(string_agg(line, E'\\n' ORDER BY line)) FROM (
        SELECT concat_ws(' ', 'relation', relname, relkind, relrowsecurity,
                         relforcerowsecurity, relacl) AS line
        FROM pg_class WHERE relnamespace = 'public'::regnamespace
        UNION ALL
        SELECT concat_ws(' ', 'column', attrelid::regclass, attname, atttypid,
                         atttypmod, attnotnull, attisdropped, attacl)
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace AND attnum > 0
        UNION ALL
        SELECT concat_ws(' ', 'trigger', tgrelid::regclass, tgname, tgenabled, tgtype)
        FROM pg_trigger WHERE NOT tgisinternal OR tgenabled <> 'O'
        UNION ALL
        SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, contype,
                         convalidated)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL
        SELECT concat_ws(' ', 'policy', polrelid::regclass, polname, polroles,
                         pg_get_expr(polqual, polrelid),
                         pg_get_expr(polwithcheck, polrelid))
        FROM pg_policy
        UNION ALL
        SELECT concat_ws(' ', 'function', proname, prosecdef, md5(prosrc))
        FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION ALL
        SELECT concat_ws(' ', 'setting', setrole, setconfig)
        FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase
        WHERE datname = current_database()
    ) AS lines
"""
_ALONE: Final = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
      AND state <> 'idle'
"""
_TABLES: Final = """
    SELECT relname FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname
"""
_SEQUENCES: Final = "SELECT sequencename, last_value, start_value FROM pg_sequences"
_SIZE: Final = "SELECT pg_database_size(current_database())"

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Original:
    """What a migrated database is and holds before anything is done with it."""

    shape: str
    size: int
    rows: dict[str, bytes]
    sequences: dict[str, int | None]
    filled: sql.Composed
    """The question which tables have rows."""

    @classmethod
    def of(cls, connection: Connection) -> "Original":
        """Look at a database that was just migrated."""
        tables = [name for (name,) in connection.execute(_TABLES)]
        asked = [
            sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})").format(
                sql.Literal(name), sql.Identifier(name)
            )
            for name in tables
        ]
        filled = sql.SQL(" UNION ALL ").join(asked)
        rows = {}
        for (name,) in connection.execute(filled).fetchall():
            table = sql.Identifier(name)
            with connection.cursor().copy(
                sql.SQL("COPY {} TO STDOUT").format(table)
            ) as out:
                rows[name] = b"".join(bytes(part) for part in out)
        return cls(
            _one(connection, _SHAPE),
            _one(connection, _SIZE),
            rows,
            {name: last for name, last, _ in connection.execute(_SEQUENCES)},
            filled,
        )

    def return_to(self, connection: Connection) -> bool:
        """Empty a database; tell whether it is again as it was."""
        connection.execute(_ALONE)
        if _one(connection, _SHAPE) != self.shape:
            return False
        if _one(connection, _SIZE) > self.size + GROWN:
            return False
        with connection.transaction():
            # Neither references nor the guards of the journal stand in the way.
            connection.execute("SET LOCAL session_replication_role = replica")
            for (name,) in connection.execute(self.filled).fetchall():
                table = sql.Identifier(name)
                connection.execute(sql.SQL("DELETE FROM {}").format(table))
            for name, content in self.rows.items():
                table = sql.Identifier(name)
                with connection.cursor().copy(
                    sql.SQL("COPY {} FROM STDIN").format(table)
                ) as into:
                    into.write(content)
            for name, last, start in connection.execute(_SEQUENCES).fetchall():
                was = self.sequences[name]
                if last != was:
                    connection.execute(
                        "SELECT setval(quote_ident(%s)::regclass, %s, %s)",
                        (name, start if was is None else was, was is not None),
                    )
        return True


def _one(connection: Connection, query: str) -> Any:
    row = connection.execute(query).fetchone()  # type: ignore[call-overload]
    assert row is not None
    return row[0]
