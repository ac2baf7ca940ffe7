"""The flows by which people take imports back and judge pairs, in the Prefect UI."""

import asyncio
from uuid import UUID

import psycopg
import pytest
from prefect.client.schemas.objects import State

from flows import acts, ledger, review_pairs, runs, undo_import
from flows.jobs import Outcome
from tests.conftest import Import
from tests.prefect_pages import newest_page

LIST = "first_name,last_name,phone,email\nAda,Archer,+14155552671,ada@acme.example\n"
# Two people share a phone, and their names contradict.
PAIR = (
    "first_name,last_name,phone,email\n"
    "Ada,Archer,+14155552671,ada@acme.example\nBob,Brown,+14155552671,bob@acme.example\n"
)


def people(connection: psycopg.Connection) -> list[tuple[object, ...]]:
    return connection.execute(
        "SELECT first_name, phone, email FROM personas WHERE merged_into IS NULL ORDER BY 1"
    ).fetchall()


def undo(import_id: str, your_name: str, **said: bool) -> State[Outcome]:
    return undo_import.undo_import(import_id, your_name, **said, return_state=True)  # type: ignore[no-any-return]


def judge(*said: str) -> State[list[Outcome]]:
    return review_pairs.review(*said, return_state=True)  # type: ignore[no-any-return]


def test_an_import_is_taken_back(
    prefect_api: str, connection: psycopg.Connection, import_text: Import
) -> None:
    """A dry run tells; the undo does, by whom the ledger keeps, and tells what stays."""
    done = import_text(LIST)
    dry = undo(done.import_id[-6:], "Eve", dry_run=True)
    assert dry.message is not None
    assert dry.message.startswith("undo of list.csv: Would change: 1 people of whom nothing is le")
    assert len(people(connection)) == 1
    connection.execute("UPDATE personas SET phone = '+14155559999' WHERE first_name = 'Ada'")

    state = undo(done.import_id, "Eve")

    assert state.is_completed()
    assert state.message is not None
    assert "Not taken back: 1." in state.message
    (entry, _) = ledger.list_imports(connection)
    assert (entry.cause, entry.started_by, entry.origin) == ("undo", "Eve", "analyst")
    assert entry.run_id == str(state.state_details.flow_run_id)
    told = newest_page(entry.import_id.lower().replace("_", "-"))
    assert "## Not taken back" in told
    assert "edited by hand on" in told
    for personal in ("Archer", "5559999", "9999", "ada@"):
        assert personal not in told + state.message
    again = undo(done.import_id, "Eve")
    assert (again.is_failed(), "is undone already" in str(again.message)) == (True, True)
    assert undo(done.import_id, " ").message == "Say who takes it back: the ledger keeps it."


def test_a_run_that_is_repeated_undoes_once(
    prefect_api: str,
    connection: psycopg.Connection,
    import_text: Import,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Killed after its commit and taken up again under its id, it tells what it did."""
    done = import_text(LIST)
    first = undo(done.import_id, "Eve")
    run_id = str(first.state_details.flow_run_id)
    monkeypatch.setattr(runs, "current_run_id", lambda: run_id)
    again = undo(done.import_id, "Eve")
    assert again.is_completed()
    assert len(ledger.list_imports(connection)) == 2
    start = acts.Start(runs.import_id_of(run_id))
    assert acts.get_done(connection, start) == asyncio.run(again.aresult())  # type: ignore[misc]


def test_pairs_are_listed_and_judged(
    prefect_api: str, connection: psycopg.Connection, import_text: Import
) -> None:
    """The page shows both sides with nobody's data; what is judged is done, by whom is kept."""
    import_text(PAIR)
    listed = judge("acme")
    assert listed.message == "acme: 1 pair of people wait."
    told = newest_page("review")
    (pair_id,) = [line[4:] for line in told.splitlines() if line.startswith("### ")]
    assert "A\\*\\* A\\*\\*\\*\\*\\*" in told
    assert "\\+1 415 \\*\\*\\* \\*\\*71" in told
    for personal in ("Archer", "Brown", "5552671", "ada@", "bob@"):
        assert personal not in told
    for said, why in [
        (("acme", pair_id, "two people"), "Say who judges: the ledger keeps it."),
        (("acme", "", "two people", "Eve"), "Say which pair"),
        (("acme", pair_id), "the same person, or two people."),
        (("acme", "ZZZZZZ", "two people", "Eve"), "There is no pair 'ZZZZZZ'"),
    ]:
        refused = judge(*said)
        assert (refused.is_failed(), why in str(refused.message)) == (True, True), refused.message

    state = judge("acme", pair_id, "two people", "Eve")

    assert state.is_completed()
    assert str(state.message).startswith("Judged two people. Written: ")
    assert str(state.message).endswith("acme: no pair of people waits for a judgement.")
    entry = ledger.list_imports(connection)[0]
    assert (entry.cause, entry.started_by, entry.origin) == ("review", "Eve", "analyst")
    again = judge("acme", pair_id, "two people", "Eve")
    assert again.is_failed()
    assert "cannot be judged so" in str(again.message)
    assert "Ada" not in str(again.message)
    assert len(people(connection)) == 2
    same = judge("acme", pair_id, "the same person", "Eve")
    assert same.is_completed(), same.message
    assert len(people(connection)) == 1
    assert UUID(ledger.list_imports(connection)[0].run_id or "")
