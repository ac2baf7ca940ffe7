"""What Postgres refuses of claims, whoever writes, and what it lets through."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import polars as pl
import psycopg
import pytest
from psycopg import sql

from contracts import people_tables as tables
from contracts.errors import StalePlanError
from flows.apply import _write, name_import
from flows.settings import Settings
from transforms.plan import Action, Plan

INDEX = "identities_exclusive_unique_idx"
Row = tuple[object, ...]


@pytest.fixture(autouse=True)
def _people(connection: psycopg.Connection) -> None:
    """Whoever holds a claim is there."""
    connection.execute(
        "INSERT INTO personas (team_id, persona_id) SELECT team_id, persona_id"
        " FROM unnest(ARRAY['acme', 'other']) AS team_id,"
        " unnest(ARRAY['ann', 'ben', 'cat', 'dan']) AS persona_id"
    )


def hold(
    connection: psycopg.Connection, persona_id: str, is_exclusive: bool, team: str = "acme"
) -> None:
    connection.execute(
        "INSERT INTO identities VALUES (%s, 'phone', '+1001', %s, %s)",
        [team, persona_id, is_exclusive],
    )


def holders(connection: psycopg.Connection, kind: str = "phone") -> list[Row]:
    query = (
        "SELECT value, persona_id, is_exclusive FROM identities WHERE team_id = 'acme'"
        " AND kind = %s ORDER BY value, persona_id, is_exclusive"
    )
    return connection.execute(query, [kind]).fetchall()


@pytest.mark.parametrize(
    ("first", "second", "is_refused"),
    [
        (("ann", True), ("ben", True), True),
        (("ann", True), ("ann", True), True),
        (("ann", False), ("ann", False), True),
        (("ann", True), ("ann", False), True),
        (("ann", False), ("ann", True), True),
        (("ann", False), ("ben", False), False),
        # As while one after the other gets to share a value.
        (("ann", False), ("ben", True), False),
    ],
)
def test_who_may_hold_a_claim_that_is_held(
    connection: psycopg.Connection,
    first: tuple[str, bool],
    second: tuple[str, bool],
    is_refused: bool,
) -> None:
    """One alone, or several who share it; and nobody twice, whichever way."""
    hold(connection, *first)
    # Another team's is no matter.
    hold(connection, *second, team="other")
    if is_refused:
        with pytest.raises(psycopg.errors.UniqueViolation) as caught:
            hold(connection, *second)
        assert caught.value.diag.constraint_name == INDEX
        assert len(holders(connection)) == 1
    else:
        hold(connection, *second)
        assert len(holders(connection)) == 2


def test_two_who_write_claims_at_once_do_so_one_after_the_other(
    connection: psycopg.Connection, settings: Settings
) -> None:
    """Neither sees what the other has not committed; so the second waits."""
    with (
        psycopg.connect(settings.database_url) as one,
        psycopg.connect(settings.database_url) as other,
    ):
        hold(one, "ann", True)
        other.execute("SET lock_timeout = '200ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            hold(other, "ann", False)


def test_a_claim_that_is_shared_is_not_made_ones_own_beside_it(
    connection: psycopg.Connection,
) -> None:
    """The same of an UPDATE: by another persona's row, and by one that is made over to another."""
    hold(connection, "ann", True)
    hold(connection, "ben", False)
    for change in (
        "is_exclusive = true WHERE persona_id = 'ben'",
        "persona_id = 'ann' WHERE persona_id = 'ben'",
        "persona_id = 'ben' WHERE persona_id = 'ann'",
    ):
        with pytest.raises(psycopg.errors.UniqueViolation) as caught:
            connection.execute(f"UPDATE identities SET {change}".encode())
        assert caught.value.diag.constraint_name == INDEX
    assert holders(connection) == [("+1001", "ann", True), ("+1001", "ben", False)]


@pytest.mark.parametrize("is_exclusive", [True, False])
@pytest.mark.parametrize("kind", ["phone", "email"])
def test_a_value_that_is_held_is_stated_by_hand(
    connection: psycopg.Connection, kind: str, is_exclusive: bool
) -> None:
    """It stays one row, alone or shared as it was."""
    value = {"phone": "+1001", "email": "ann@x.com"}[kind]
    connection.execute(
        "INSERT INTO identities VALUES ('acme', %s, %s, 'ann', %s)", [kind, value, is_exclusive]
    )
    change = sql.SQL(
        "UPDATE personas SET {} = %s WHERE team_id = 'acme' AND persona_id = 'ann'"
    ).format(sql.Identifier(kind))
    connection.execute(change, [value])
    assert holders(connection, kind) == [(value, "ann", is_exclusive)]
    for restated in (value.upper(), value, None):
        connection.execute(change, [restated])
    assert holders(connection, kind) == []


def test_a_phone_that_is_called_shared_and_ones_own_again(connection: psycopg.Connection) -> None:
    """The persona's row says what the persona says, and there is never a second one."""
    ann = "team_id = 'acme' AND persona_id = 'ann'"
    connection.execute(f"UPDATE personas SET phone = '+1001' WHERE {ann}".encode())
    for is_exclusive in (False, True, True, False, False):
        change = f"UPDATE personas SET is_phone_exclusive = %s WHERE {ann}"
        connection.execute(change.encode(), [is_exclusive])
        assert holders(connection) == [("+1001", "ann", is_exclusive)]


def write(
    connection: psycopg.Connection, action: Action, *rows: tuple[str, str, bool]
) -> psycopg.Connection:
    """Let apply write identities (value, persona, is_exclusive) of a plan, as an import does."""
    frame = pl.DataFrame(
        [("phone", *row) for row in rows], list(tables.IDENTITIES.columns), orient="row"
    )

    def give(*_: object) -> Iterator[pl.DataFrame]:
        yield frame

    plan = cast(Plan, SimpleNamespace(rows=give))
    with connection.transaction():
        name_import(connection, "import_2")
        _write(connection, "acme", "import_2", tables.IDENTITIES, action, plan, len(rows))
    return connection


@pytest.mark.parametrize("is_reversed", [False, True])
def test_claims_that_change_hands_in_one_plan(
    connection: psycopg.Connection, is_reversed: bool
) -> None:
    """Whoever shares it from now on lets go first, in whatever order the rows are written."""
    names = ["ann", "ben", "cat", "dan"]
    for value in range(3):
        for name in names:
            connection.execute(
                "INSERT INTO identities VALUES ('acme', 'phone', %s, %s, %s)",
                [f"+{value}", name, name == names[value]],
            )
    changes = [
        (f"+{value}", name, name == names[value + 1])
        for value in range(3)
        for name in names[value : value + 2]
    ]
    write(connection, "update", *(reversed(changes) if is_reversed else changes))
    assert [row for row in holders(connection) if row[2]] == [
        ("+0", "ben", True),
        ("+1", "cat", True),
        ("+2", "dan", True),
    ]
    assert len(holders(connection)) == 12


@pytest.mark.parametrize(
    ("action", "planned"),
    [
        # Held alone when it was read: by now it is shared.
        ("update", False),
        ("delete", True),
    ],
)
def test_a_claim_that_is_held_otherwise_by_now(
    connection: psycopg.Connection, action: Action, planned: bool
) -> None:
    """The plan is stale, and nobody holds a claim alone and shares it too."""
    hold(connection, "ann", False)
    with pytest.raises(StalePlanError) as caught:
        write(connection, action, ("+1001", "ann", planned))
    assert caught.value.conflict == "row_version"
    assert holders(connection) == [("+1001", "ann", False)]


def test_the_row_of_one_of_many_is_found_at_once(connection: psycopg.Connection) -> None:
    """Of a number that thousands share, apply does not read all rows for each."""
    connection.execute(
        "INSERT INTO personas (team_id, persona_id)"
        " SELECT 'acme', 'q' || n FROM generate_series(1, 3000) AS n;"
        "INSERT INTO identities SELECT 'acme', 'phone', '+1001', 'q' || n, false"
        " FROM generate_series(1, 3000) AS n; ANALYZE identities"
    )
    connection.execute("SET leadfold.import_id = 'import_2'; SET enable_seqscan = off")
    connection.execute("SET enable_hashjoin = off; SET enable_mergejoin = off")

    def count_read() -> int:
        (read,) = connection.execute(
            "SELECT pg_stat_force_next_flush(), sum(idx_tup_read)::bigint"
            " FROM pg_stat_user_indexes WHERE relname = 'identities'"
        ).fetchone()[1:]
        return int(read)

    before = count_read()
    write(connection, "delete", *(("+1001", f"q{n}", False) for n in range(1, 101)))
    assert count_read() - before < 1000


def test_the_table_can_be_published(connection: psycopg.Connection) -> None:
    """Logical replication needs to know which row an UPDATE changed; there is no primary key."""
    connection.execute("CREATE PUBLICATION everything FOR TABLE identities")
    hold(connection, "ann", True)
    connection.execute("UPDATE identities SET is_exclusive = false")
    connection.execute("DELETE FROM identities")
