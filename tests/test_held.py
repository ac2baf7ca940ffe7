"""Imports that are held for a person, and what that person decides."""

import psycopg
import pytest

from contracts.errors import DatabaseUnavailableError, WrongCallError
from flows import held, ledger
from flows.held import Decision
from flows.settings import Settings
from tests.conftest import Import

GOOD = "".join(f"Ann{n},+1415555{2000 + n}\n" for n in range(60))
BAD = "".join(f"Bad{n},12\n" for n in range(10))
TEXT = "first_name,phone\n" + GOOD + BAD


def test_a_file_with_too_many_rejects_is_held_and_says_why(
    settings: Settings, connection: psycopg.Connection, import_text: Import
) -> None:
    """Nothing is written; a dry run of it tells the same beforehand."""
    dry = import_text(TEXT, is_dry_run=True)
    assert dry.status == "dry_run"
    assert "would be held: 14% of its rows cannot be loaded (10 of 70)" in dry.reason
    outcome = import_text(TEXT)
    assert outcome.status == "held"
    assert outcome.reason == (
        "list.csv: 14% of its rows cannot be loaded (10 of 70), the limit is 5%:"
        " 10 x no_identity (first in line 62)."
    )
    assert connection.execute("SELECT count(*) FROM personas").fetchone() == (0,)
    (hold,) = ledger.find_import(connection, outcome.import_id).holds
    assert (hold["code"], hold["reason"]) == ("too_many_rejects", outcome.reason)


@pytest.mark.parametrize("bad", [9, 0])
def test_few_rejects_are_no_reason(import_text: Import, bad: int) -> None:
    """Of a short list each row is a large share."""
    text = "first_name,phone\nAnn,+14155552671\n" + "".join(BAD.splitlines(True)[:bad])
    assert import_text(text).status == "done"


def test_it_goes_on_as_somebody_decides(
    settings: Settings, connection: psycopg.Connection, import_text: Import
) -> None:
    """From the landed file, under the same id; decided again, nothing more happens."""
    outcome = import_text(TEXT)
    done = held.decide(outcome.import_id, Decision("apply", "eve"), settings)
    assert (done.import_id, done.status, done.counts.inserted) == (outcome.import_id, "done", 60)
    (hold,) = ledger.find_import(connection, outcome.import_id).holds
    assert (hold["decision"], hold["decided_by"]) == ("apply", "eve")
    assert held.decide(outcome.import_id, Decision("reject", "bob"), settings) == done
    (again,) = ledger.find_import(connection, outcome.import_id).holds
    assert again == hold


def test_it_is_declined(
    settings: Settings, connection: psycopg.Connection, import_text: Import
) -> None:
    """The ledger keeps why it was held, and who declined."""
    outcome = import_text(TEXT)
    declined = held.decide(outcome.import_id, Decision("reject", "eve"), settings)
    assert (declined.status, declined.reason) == ("declined", outcome.reason)
    assert connection.execute("SELECT count(*) FROM personas").fetchone() == (0,)
    assert held.decide(outcome.import_id, Decision("apply", "bob"), settings) == declined


def test_it_is_read_by_another_contract(
    settings: Settings, connection: psycopg.Connection, import_text: Import
) -> None:
    """What no contract fits waits for somebody who names one; that reading may be held too."""
    outcome = import_text(
        TEXT.replace("phone", "phone,shoe_size")
        .replace("12\n", "12,\n")
        .replace("\n", ",\n")
        .replace("shoe_size,\n", "shoe_size\n")
        .replace(",,\n", ",\n"),
        source="auto",
    )
    assert (outcome.status, outcome.source) == ("held", "auto")
    with pytest.raises(WrongCallError, match="Name its source"):
        held.decide(outcome.import_id, Decision("apply", "eve"), settings)
    again = held.decide(outcome.import_id, Decision("source", "eve", "generic"), settings)
    assert (again.status, again.source) == ("held", "generic")
    done = held.decide(outcome.import_id, Decision("apply", "bob"), settings)
    assert done.status == "done"
    holds = ledger.find_import(connection, outcome.import_id).holds
    assert [hold["code"] for hold in holds] == ["source_unknown", "too_many_rejects"]
    assert [hold["decided_by"] for hold in holds] == ["eve", "bob"]


def test_a_header_that_lacks_a_column_is_accepted(
    settings: Settings, connection: psycopg.Connection, import_text: Import
) -> None:
    """What the contract requires is then not required of this file."""
    outcome = import_text("email,first name\nann@x.example,Ann\n", source="hubspot", name="h.csv")
    assert outcome.status == "held"
    done = held.decide(outcome.import_id, Decision("apply", "eve"), settings)
    assert (done.status, done.counts.inserted) == ("done", 1)


def test_what_cannot_be_decided_is_said(
    settings: Settings, connection: psycopg.Connection, import_text: Import
) -> None:
    """An import that was never held, a source that is not there, nobody who says so."""
    done = import_text("phone\n+14155552671\n")
    for decision, told in [
        (Decision("apply", "eve"), "was never held: it is done"),
        (Decision("source", "eve", "shoes"), "shoes"),
        (Decision("apply", " "), "Say who decides"),
    ]:
        with pytest.raises(WrongCallError, match=told):
            held.decide(done.import_id, decision, settings)
    outcome = import_text(TEXT, name="other.csv")
    for path in settings.landing.iterdir():
        path.unlink()
    with pytest.raises(WrongCallError, match="is not kept any more"):
        held.decide(outcome.import_id, Decision("apply", "eve"), settings)
    assert ledger.find_import(connection, outcome.import_id).status == "held"


def test_who_rejects_sees_nothing_go_on(
    settings: Settings, connection: psycopg.Connection, import_text: Import
) -> None:
    """Where an import failed that somebody had applied, a later 'reject' is no 'apply'."""
    outcome = import_text(TEXT)

    def stop(*_: object) -> None:
        raise DatabaseUnavailableError("Postgres does not answer.")

    apply, reject = Decision("apply", "eve"), Decision("reject", "bob")
    failed = held.decide(outcome.import_id, apply, settings, progress=stop)
    assert failed.status == "failed"
    with pytest.raises(WrongCallError, match=r"eve has decided otherwise .* is failed .* --apply"):
        held.decide(outcome.import_id, reject, settings)
    assert connection.execute("SELECT count(*) FROM personas").fetchone() == (0,)
    assert held.decide(outcome.import_id, apply, settings).status == "done"
