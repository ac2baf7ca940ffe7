"""Taking a person apart: by source, by lead, and for good."""

from typing import Any

import psycopg
import pytest

from contracts.errors import WrongCallError
from flows.deciding import decide_typed
from flows.settings import Settings
from flows.teams import list_teams
from flows.undoing import run_undo
from flows.unmerging import run_unmerge
from tests.conftest import Import, snapshot
from tests.states import check_claims, check_golden, fetch, people
from tests.test_undo_promises import changes, state
from transforms import lone
from transforms.pair_ids import pair_id

LIST = "id,crm_id,first_name,last_name,phone,email,city,updated_at\n"
A = LIST + "a1,,Ann,Lee,+14155552671,ann@x.example,Bonn,2026-01-01\n"
B = LIST + "b1,,Ann,Lee,+14155552671,ann@y.example,Rome,2026-02-01\n"


def persons(connection: psycopg.Connection) -> dict[str, str]:
    """Record -> whose it is."""
    rows = fetch(connection, "SELECT source_record_id, persona_id FROM leads")
    return {row["source_record_id"]: row["persona_id"] for row in rows}


@pytest.fixture
def merged(connection: psycopg.Connection, import_text: Import) -> str:
    """One person of two files, who share a phone."""
    import_text(A, name="a.csv")
    import_text(B, name="b.csv")
    found = persons(connection)
    assert found["a1"] == found["b1"]
    return found["a1"]


def check(connection: psycopg.Connection) -> None:
    check_claims(connection)
    for person in people(connection):
        check_golden(person)


@pytest.mark.parametrize("how", [{"by": "source"}, {"by": "lead"}, {"leaving": ["b1"]}])
def test_a_person_is_taken_apart_and_stays_so(
    merged: str,
    how: dict[str, Any],
    settings: Settings,
    connection: psycopg.Connection,
    import_text: Import,
) -> None:
    """The oldest lead keeps the id; the phone is both's; the same files again change nothing, nor
    does a third record join them."""
    before = state(connection)
    outcome = run_unmerge(merged, settings, judged_by="eve", **how)
    assert outcome.status == "done", outcome.reason
    found = persons(connection)
    assert found["a1"] == merged != found["b1"]
    check(connection)
    golden = {person.golden["persona_id"]: person.golden for person in people(connection)}
    assert (golden[merged]["city"], golden[found["b1"]]["city"]) == ("Bonn", "Rome")
    assert not golden[merged]["is_phone_exclusive"]
    (judged,) = fetch(connection, "SELECT * FROM merge_candidates")
    assert (judged["judgement"], judged["judged_by"]) == ("not_same", "eve")
    held = snapshot(connection)
    import_text(B, name="b.csv")
    import_text(A, name="a.csv")
    assert snapshot(connection) == held
    import_text(LIST + "c1,,Ann,Lee,+14155552671,ann@y.example,Kyiv,2026-03-01\n", name="c.csv")
    assert persons(connection)["a1"] == merged
    assert persons(connection)["b1"] == found["b1"]
    check(connection)
    run_undo(fetch(connection, "SELECT max(import_id) AS id FROM imports")[0]["id"], settings)
    run_undo(outcome.import_id, settings)
    after = state(connection)
    assert persons(connection)["b1"] == merged
    assert set(changes(before, after)) <= {"+ personas"}  # who was apart is merged into him again


@pytest.mark.parametrize("is_reversed", [False, True])
def test_the_order_of_rows_does_not_decide_who_stays(
    is_reversed: bool,
    settings: Settings,
    connection: psycopg.Connection,
    import_text: Import,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of two who came with one file, and were alone in it, the first record stays the person."""
    monkeypatch.setattr(lone, "FEW_RECORDS", 0)
    rows = [
        "a1,,Ann,Lee,+14155552671,,Bonn,2026-01-01\n",
        "b1,,Ann,Lee,+14155552672,,Rome,2026-01-01\n",
    ]
    import_text(LIST + "".join(reversed(rows) if is_reversed else rows), name="a.csv")
    both = "+14155552671 / +14155552672"
    import_text(LIST + f"c1,,Ann,Lee,{both},,Oslo,2026-01-02\n", name="b.csv")
    (pair,) = fetch(connection, "SELECT left_id, right_id FROM merge_candidates")
    said = pair_id((pair["left_id"], pair["right_id"]))
    decide_typed(settings, list_teams(connection), [(said, "same")], "eve")
    was = persons(connection)
    assert was["a1"] == was["b1"]
    run_unmerge(was["a1"], settings, by="lead")
    found = persons(connection)
    assert found["a1"] == was["a1"] != found["b1"]


def test_who_was_merged_by_hand_is_himself_again(
    settings: Settings, connection: psycopg.Connection, import_text: Import
) -> None:
    """An unmerge of those who were two before gives the second his id back."""
    import_text(A, name="a.csv")
    import_text(LIST + "b1,,Ann,Lee,,ann@y.example,Rome,2026-02-01\n", name="b.csv")
    import_text(LIST + "c1,,Ann,Lee,+14155552671,ann@y.example,Rome,2026-02-01\n", name="c.csv")
    (pair,) = fetch(connection, "SELECT * FROM merge_candidates")
    was = persons(connection)
    said = pair_id((pair["left_id"], pair["right_id"]))
    (outcome,) = decide_typed(settings, list_teams(connection), [(said, "same")], "eve")
    assert outcome.status == "done", outcome.reason
    assert len(set(persons(connection).values())) == 1
    run_unmerge(was["a1"], settings, leaving=["b1"])
    assert persons(connection) == {**was, "c1": was["a1"]}
    check(connection)
    judged = fetch(connection, "SELECT judgement FROM merge_candidates")
    assert [row["judgement"] for row in judged] == ["not_same"]


def test_what_cannot_be_taken_apart_is_told(merged: str, settings: Settings) -> None:
    """A lead that is not his, or nothing to take apart."""
    with pytest.raises(WrongCallError, match="has no lead 'zz'"):
        run_unmerge(merged, settings, leaving=["zz"])
    with pytest.raises(WrongCallError, match="cannot be taken apart"):
        run_unmerge(merged, settings, leaving=["a1", "b1"])
