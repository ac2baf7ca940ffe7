"""The keys of an adoption, as the journal has them."""

import psycopg
from psycopg.types.json import Jsonb

from flows.adopt.adoption import AdoptedKey


def note_key(
    connection: psycopg.Connection, key: AdoptedKey, contract: str, *, is_ours: bool
) -> int:
    """Write down that a key is worked on; gives its number.

    Args:
        connection: To the adopted database.
        key: The key.
        contract: Of its table.
        is_ours: Whether the index is made by us, so that a restore drops it.
    """
    row = connection.execute(
        "INSERT INTO leadfold_adopt.keys AS k"
        " (table_schema, table_name, contract, columns, index_name, wanted, is_ours, state)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, 'cleaning')"
        " ON CONFLICT (table_schema, index_name) DO UPDATE SET columns = excluded.columns,"
        " table_name = excluded.table_name, contract = excluded.contract, state = excluded.state,"
        " wanted = excluded.wanted, is_ours = k.is_ours OR excluded.is_ours"
        " RETURNING key_no",
        [
            *(key.table.schema, key.table.name, contract, list(key.columns), key.index),
            *(Jsonb(dict(key.where)), is_ours),
        ],
    ).fetchone()
    assert row
    return int(row[0])


def is_begun(connection: psycopg.Connection, key: AdoptedKey) -> bool:
    """Whether a run began with a key, and did not come to its end."""
    row = connection.execute(
        "SELECT FROM leadfold_adopt.keys"
        " WHERE table_schema = %s AND index_name = %s AND state = 'cleaning'",
        [key.table.schema, key.index],
    ).fetchone()
    return row is not None


def note_valid(connection: psycopg.Connection, key_no: int) -> None:
    """Write down that Postgres keeps a key now."""
    connection.execute("UPDATE leadfold_adopt.keys SET state = 'valid' WHERE key_no = %s", [key_no])
