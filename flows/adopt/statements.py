"""Pieces of statements about columns that are known only when they run."""

from collections.abc import Sequence

from psycopg import sql


def listed(table: str, columns: Sequence[str]) -> sql.Composed:
    """``"t"."a", "t"."b"``."""
    return sql.SQL(", ").join(sql.Identifier(table, name) for name in columns)


def named(columns: Sequence[str]) -> sql.Composed:
    """``"a", "b"``."""
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def equal(
    left: str, left_columns: Sequence[str], right: str, right_columns: Sequence[str]
) -> sql.Composed:
    """``"l"."a" = "r"."x" AND "l"."b" = "r"."y"``."""
    return sql.SQL(" AND ").join(
        sql.SQL("{} = {}").format(sql.Identifier(left, one), sql.Identifier(right, other))
        for one, other in zip(left_columns, right_columns, strict=True)
    )


def numbered(prefix: str, count: int | Sequence[str]) -> tuple[str, ...]:
    """``prefix_1``, ``prefix_2`` and so on."""
    many = count if isinstance(count, int) else len(count)
    return tuple(f"{prefix}_{number}" for number in range(1, many + 1))


def renamed(table: str, columns: Sequence[str], names: Sequence[str]) -> sql.Composed:
    """``"t"."a" AS "x", "t"."b" AS "y"``."""
    return sql.SQL(", ").join(
        sql.SQL("{} AS {}").format(sql.Identifier(table, column), sql.Identifier(name))
        for column, name in zip(columns, names, strict=True)
    )
