"""Undo as properties: whatever was imported, taking it back leads where it had not been.

Every example has several villages (tests/worlds.py), as in tests/test_promises.py.
"""

from typing import Any

import psycopg
from hypothesis import given
from hypothesis import strategies as st

from tests.place import Place, attack, troubled_villages
from tests.states import check_claims, check_golden, content, fetch, people, plain
from tests.worlds import File, village_of, worlds

_TIMES = {"created_at", "updated_at", "judged_at"}
_TABLES = {
    "leads": _TIMES,
    "personas": _TIMES | {"import_id"},
    "identities": set(),
    "merge_candidates": _TIMES | {"import_id"},
    "lead_activities": _TIMES,
    "opt_outs": _TIMES,
}


def state(connection: psycopg.Connection) -> dict[str, list[Any]]:
    """All rows of a team's data, with their ids, but for times and who last wrote them."""
    return {
        table: sorted(
            str({name: value for name, value in row.items() if name not in dropped})
            for row in fetch(connection, f"SELECT * FROM {table}")
        )
        for table, dropped in _TABLES.items()
    }


def changes(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """The rows in which two states differ."""
    return {
        f"{sign} {table}": lost
        for sign, left, right in (("-", before, after), ("+", after, before))
        for table in left
        if (lost := [row for row in left[table] if row not in right[table]])
    }


def check(connection: psycopg.Connection, team: str = "acme") -> None:
    """What holds of every state."""
    check_claims(connection, team)
    for person in people(connection, team):
        check_golden(person)


@attack
@given(worlds(least=1, most=4))
def test_undoing_from_the_last_to_the_first_restores_each_state(
    place: Place, world: tuple[File, ...]
) -> None:
    """Exactly: the same leads, people, claims, candidates, activities and opt-outs."""
    place.empty()
    states, imports = [state(place.connection)], []
    for file in world:
        imports.append(place.run(file).import_id)
        states.append(state(place.connection))
    for import_id, before in zip(reversed(imports), reversed(states[:-1]), strict=True):
        place.undo(import_id, withdraws_opt_outs=True)
        assert not changes(before, state(place.connection))
        check(place.connection)


@attack
@given(worlds(least=2, most=4), st.integers(0, 3))
def test_undoing_one_in_the_middle_gives_the_sequence_without_it(
    place: Place, world: tuple[File, ...], at: int
) -> None:
    """Where no link was held back, and where it was not what joined others."""
    at %= len(world)
    place.empty("undone", "without")
    imports = [place.run(file, "undone").import_id for file in world]
    troubled = troubled_villages(place, "undone")
    outcome = place.undo(imports[at])
    check(place.connection, "undone")
    for number, file in enumerate(world):
        if number != at:
            place.run(file, "without")
    claims = {p.golden["persona_id"]: p.identities for p in people(place.connection, "undone")}
    for kept in outcome.kept:
        if kept["what"] == "persona":
            troubled.update(village_of(*claim) for claim in claims[kept["id"]])
    troubled |= troubled_villages(place, "undone") | troubled_villages(place, "without")
    assert by_village(place, "undone", troubled) == by_village(place, "without", troubled)


def by_village(place: Place, team: str, but: set[int | None]) -> list[Any]:
    """Each person of the other villages: leads, golden record and claims."""
    return sorted(
        (
            sorted(plain(lead) for lead in person.leads),
            plain(person.golden),
            sorted((*claim, is_exclusive) for claim, is_exclusive in person.identities.items()),
        )
        for person in people(place.connection, team)
        if not {village_of(*claim) for claim in person.identities} & but
    )


@attack
@given(worlds(least=1, most=3), st.integers(0, 2), st.booleans())
def test_undoing_an_undo_restores(
    place: Place, world: tuple[File, ...], at: int, again: bool
) -> None:
    """Also in the middle, and also when that undo is undone, too."""
    place.empty()
    imports = [place.run(file).import_id for file in world]
    done = state(place.connection)
    undo = place.undo(imports[at % len(world)], withdraws_opt_outs=True)
    undone = state(place.connection)
    redo = place.undo(undo.import_id)
    assert not changes(done, state(place.connection))
    check(place.connection)
    if again:
        place.undo(redo.import_id, withdraws_opt_outs=True)
        assert not changes(undone, state(place.connection))


@attack
@given(worlds(least=1, most=3))
def test_an_undone_file_can_be_imported_again(place: Place, world: tuple[File, ...]) -> None:
    """When the last one is undone and imported again, all is as before."""
    place.empty()
    imports = [place.run(file).import_id for file in world]
    done = content(place.connection)
    place.undo(imports[-1])
    place.run(world[-1])
    assert content(place.connection) == done
    check(place.connection)


@attack
@given(worlds(least=1, most=3))
def test_what_was_edited_by_hand_survives_every_undo(place: Place, world: tuple[File, ...]) -> None:
    """Every edit stays, and is told, though all else is taken back; and fits again when the undos
    are undone."""
    place.empty()
    imports = [place.run(file).import_id for file in world]
    connection = place.connection
    edited = connection.execute(
        "UPDATE personas SET city = 'By hand' WHERE abs(hashtext(persona_id)) % 3 = 0"
        " AND merged_into IS NULL RETURNING persona_id"
    ).fetchall()
    marked = connection.execute(
        "UPDATE leads SET lead_status = 'by hand' WHERE abs(hashtext(lead_id)) % 3 = 0"
        " RETURNING lead_id"
    ).fetchall()
    before = state(connection)
    undos = [place.undo(import_id) for import_id in reversed(imports)]
    left = fetch(connection, "SELECT * FROM personas WHERE city = 'By hand'")
    assert {(row["persona_id"],) for row in left} == set(edited)
    for row in left:
        assert set(row["edited_fields"]) == {"city"}
        assert row["first_name"] is row["phone"] is row["email"] is row["crm_id"] is None
    leads = fetch(connection, "SELECT * FROM leads")
    assert {(row["lead_id"],) for row in leads} == set(marked)
    assert all(row["lead_status"] == "by hand" and not row["phones"] for row in leads)
    told = {each["id"] for undo in undos for each in undo.kept}
    assert {lead_id for (lead_id,) in marked} <= told
    for undo in reversed(undos):
        place.undo(undo.import_id)
    assert not changes(before, state(connection))
