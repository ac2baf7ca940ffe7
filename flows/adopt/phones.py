"""Phones of an existing table that are no numbers, or are written so that equal ones differ."""

import polars as pl
import psycopg
from psycopg import sql

from flows.adopt.schema import ExistingTable
from flows.copying import copy_out
from transforms.phones import normalize_phones
from transforms.shapes import Schema

_SCHEMA: Schema = {"phone": pl.String, "many": pl.Int64}


def count_odd_phones(
    connection: psycopg.Connection, table: ExistingTable, column: str, region: str
) -> dict[str, int]:
    """Sentence -> rows, of what a unique index by the phone does not see.

    Args:
        connection: To the database; nothing is written.
        table: The table.
        column: That holds the phone, as text.
        region: Country of numbers without ``+``, two letters.
    """
    query = sql.SQL("SELECT {0}::text, count(*) FROM {1} WHERE {0}::text <> '' GROUP BY 1").format(
        sql.Identifier(column), table.identifier
    )
    odd = {"is no phone number": 0, "is not written as +E.164: equal ones may differ": 0}
    for chunk in copy_out(connection, query, _SCHEMA):
        numbers = normalize_phones(chunk["phone"], region)
        is_none = numbers["e164"].is_null()
        is_other = ~is_none & (numbers["e164"] != chunk["phone"])
        for told, rows in zip(odd, (is_none, is_other), strict=True):
            odd[told] += int(chunk["many"].filter(rows).sum())
    return {f"'{column}' {told}": rows for told, rows in odd.items() if rows}
