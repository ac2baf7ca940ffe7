"""The tables of an existing database, as Postgres describes them."""

from collections.abc import Iterable
from dataclasses import dataclass

import psycopg
from psycopg import sql

JOURNAL = "leadfold_adopt"
"""The schema in which all that we took away is kept."""


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        name: Its name.
        type_schema: Where its type is at home (of a domain, the type below it); ``pg_catalog``:
            with Postgres.
        category: Of its type, as ``pg_type.typcategory``: S text, A array, and so on.
        type_name: Of its type, such as ``jsonb``.
        is_generated: Whether Postgres computes it.
        is_fixed: Whether Postgres numbers it, and no UPDATE may set it.
        is_nullable: Whether it may be null.
    """

    name: str
    type_schema: str
    category: str
    type_name: str
    is_generated: bool
    is_fixed: bool
    is_nullable: bool

    def is_filled(self, table: str) -> sql.Composed:
        """Whether a row of ``table`` has something there: neither null, nor empty text or list."""
        value = sql.Identifier(table, self.name)
        if self.category == "S":
            return sql.SQL("coalesce({}::text <> '', false)").format(value)
        if self.category == "A" or self.type_name in ("json", "jsonb"):
            return sql.SQL("coalesce({}::text NOT IN ('{{}}', '[]', 'null'), false)").format(value)
        return sql.SQL("({} IS NOT NULL)").format(value)


@dataclass(frozen=True)
class Index:
    """An index.

    Attributes:
        name: Its name.
        columns: Its key columns, in order; what is not a column but an expression is empty.
        uses: The columns on which it depends in any way.
        is_unique: Whether it refuses a second row.
        is_valid: Whether Postgres uses it and keeps to it.
        is_primary: Whether it is the primary key's.
        predicate: Which rows it is about, as SQL; empty: all.
        takes_nulls_for_equal: Whether a second null is refused, too.
    """

    name: str
    columns: tuple[str, ...]
    uses: tuple[str, ...]
    is_unique: bool
    is_valid: bool
    is_primary: bool
    predicate: str
    takes_nulls_for_equal: bool


@dataclass(frozen=True)
class ExistingTable:
    """A table.

    Attributes:
        oid: What Postgres calls it.
        schema: Where it is.
        name: Its name.
        kind: ``r`` a table, ``p`` a partitioned one.
        is_part: Whether it is a partition, inherits from another table, or is inherited from.
        is_owned: Whether the user may change it as its owner does.
        lacks: Rights on its rows that the user does not have.
        hides_rows: Whether a row level policy hides rows from the user.
        columns: Its columns, by name.
        indexes: Its indexes.
    """

    oid: int
    schema: str
    name: str
    kind: str
    is_part: bool
    is_owned: bool
    lacks: tuple[str, ...]
    hides_rows: bool
    columns: dict[str, Column]
    indexes: tuple[Index, ...]

    @property
    def full_name(self) -> str:
        """Its name for people and mappings."""
        return f"{self.schema}.{self.name}"

    @property
    def identifier(self) -> sql.Identifier:
        """Its name in a statement."""
        return sql.Identifier(self.schema, self.name)

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The columns of its primary key; none: it has none."""
        return next((index.columns for index in self.indexes if index.is_primary), ())

    @property
    def written_columns(self) -> tuple[str, ...]:
        """The columns that can be written."""
        return tuple(each.name for each in self.columns.values() if not each.is_generated)

    def has_index_on(self, columns: Iterable[str]) -> bool:
        """Whether rows are found by these columns, in any order, without reading all of them."""
        wanted = set(columns)
        return any(
            index.is_valid and not index.predicate and set(index.columns[: len(wanted)]) == wanted
            for index in self.indexes
        )


@dataclass(frozen=True)
class Reference:
    """Columns of one table that hold what identifies a row of another, or of the same.

    Attributes:
        name: Of the foreign key; where there is none, made of table and columns.
        child: The table that refers.
        columns: Its columns.
        parent: The oid of the table that is referred to.
        parent_columns: That table's columns.
        is_declared: Whether Postgres knows of it, by a foreign key.
    """

    name: str
    child: ExistingTable
    columns: tuple[str, ...]
    parent: int
    parent_columns: tuple[str, ...]
    is_declared: bool = True

    @property
    def is_to_itself(self) -> bool:
        """Whether rows refer to rows of their own table."""
        return self.child.oid == self.parent

    @property
    def full_name(self) -> str:
        """What people read: ``schema.table (column)``."""
        return f"{self.child.full_name} ({', '.join(self.columns)})"


_OURS = "n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', %(journal)s)"

_TABLES = f"""
SELECT c.oid, n.nspname, c.relname, c.relkind::text,
    c.relispartition OR EXISTS (
        SELECT FROM pg_inherits AS i WHERE i.inhrelid = c.oid
            OR i.inhparent = c.oid AND c.relkind = 'r'
    ),
    pg_has_role(c.relowner, 'USAGE'),
    ARRAY(
        SELECT r FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS r
        WHERE NOT has_table_privilege(c.oid, r)
    ),
    row_security_active(c.oid)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND {_OURS}
ORDER BY n.nspname, c.relname
"""  # noqa: S608

_COLUMNS = """
SELECT a.attrelid, a.attname, n.nspname, t.typcategory::text, t.typname,
    a.attgenerated <> '', a.attidentity = 'a', NOT a.attnotnull
FROM pg_attribute AS a
JOIN pg_type AS d ON d.oid = a.atttypid
JOIN pg_type AS t ON t.oid = coalesce(nullif(d.typbasetype, 0), d.oid)
JOIN pg_namespace AS n ON n.oid = t.typnamespace
WHERE a.attrelid = ANY(%s) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
"""

# Postgres 14 does not know of nulls that are taken for equal.
_INDEXES = """
SELECT i.indrelid, c.relname,
    ARRAY(
        SELECT coalesce(a.attname, '')
        FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, place)
        LEFT JOIN pg_attribute AS a
            ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum > 0
        WHERE k.place <= i.indnkeyatts ORDER BY k.place
    )::text[],
    ARRAY(
        SELECT DISTINCT a.attname FROM pg_attribute AS a
        WHERE a.attrelid = i.indrelid AND (a.attnum = ANY(i.indkey::smallint[]) OR EXISTS (
            SELECT FROM pg_depend AS d
            WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum
        )) AND a.attnum > 0
    )::text[],
    i.indisunique, i.indisvalid AND i.indisready, i.indisprimary,
    coalesce(pg_get_expr(i.indpred, i.indrelid), ''),
    coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false)
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE i.indrelid = ANY(%s)
ORDER BY i.indrelid, c.relname
"""

# A foreign key of a partitioned table is one, however many partitions there are.
_REFERENCES = """
SELECT f.conname, f.conrelid, f.confrelid,
    ARRAY(SELECT a.attname FROM unnest(f.conkey) WITH ORDINALITY AS k (attnum, place)
        JOIN pg_attribute AS a ON a.attrelid = f.conrelid AND a.attnum = k.attnum
        ORDER BY k.place)::text[],
    ARRAY(SELECT a.attname FROM unnest(f.confkey) WITH ORDINALITY AS k (attnum, place)
        JOIN pg_attribute AS a ON a.attrelid = f.confrelid AND a.attnum = k.attnum
        ORDER BY k.place)::text[]
FROM pg_constraint AS f
WHERE f.contype = 'f' AND f.conparentid = 0
ORDER BY f.conrelid, f.conname
"""


def read_tables(connection: psycopg.Connection) -> dict[str, ExistingTable]:
    """Every table of the database by its full name, but for Postgres' and our own."""
    found = connection.execute(_TABLES, {"journal": JOURNAL}).fetchall()
    oids = [oid for oid, *_ in found]
    columns: dict[int, dict[str, Column]] = {oid: {} for oid in oids}
    for oid, *told in connection.execute(_COLUMNS, [oids]).fetchall():
        column = Column(*told)
        columns[oid][column.name] = column
    indexes: dict[int, list[Index]] = {oid: [] for oid in oids}
    for oid, name, keys, uses, *rest in connection.execute(_INDEXES, [oids]).fetchall():
        indexes[oid].append(Index(name, tuple(keys), tuple(uses), *rest))
    tables = [
        ExistingTable(
            oid, schema, name, kind, part, owned, tuple(lacks), hides, columns[oid],
            tuple(indexes[oid]),
        )
        for oid, schema, name, kind, part, owned, lacks, hides in found
    ]  # fmt: skip
    return {table.full_name: table for table in tables}


def read_references(
    connection: psycopg.Connection, tables: Iterable[ExistingTable]
) -> list[Reference]:
    """Every foreign key between these tables."""
    by_oid = {table.oid: table for table in tables}
    return [
        Reference(name, by_oid[child], tuple(columns), parent, tuple(parent_columns))
        for name, child, parent, columns, parent_columns in connection.execute(
            _REFERENCES
        ).fetchall()
        if child in by_oid and parent in by_oid
    ]
