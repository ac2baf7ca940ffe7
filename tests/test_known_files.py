"""A file that comes again as it is: nothing of it is read, the ledger tells as if it had been."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

import flows.folding
import flows.importing
import flows.staging
from contracts.registry import load_policy
from flows.erasing import run_erase
from flows.importing import run_import
from flows.jobs import Job, Outcome, Request
from flows.settings import Settings
from flows.undoing import run_undo
from tests.conftest import Import, snapshot
from tests.place import Place, attack
from tests.worlds import worlds
from transforms.plan import Counts
from transforms.relations import Work

HEADER = "id,first_name,phone,email,city,Email Opt Out,updated_at\n"
ANN = "1,Ann,415-555-2671,ann@example.com,Bonn,,2026-01-31\n"
BOB = "2,Bob,415-555-2672,,Kiel,yes,2026-01-30\n"
CUT = "3,Cid\n"
NOBODY = "4,,,,Ulm,,\n"
TEXT = HEADER + ANN + BOB + ANN + CUT + NOBODY

_TOLD = (
    "rows_landed, rows_rejected, rows_duplicate, rows_inserted, rows_updated, rows_unchanged,"
    " rows_deleted, match, effects, records_missing, repeated, layout, rules,"
    " records_digest, reason"
)


@contextmanager
def read_whole() -> Iterator[None]:
    """As if no file were known again."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(flows.staging, "find_same", lambda *_: None)
        yield


@contextmanager
def reading() -> Iterator[list[str]]:
    """Collects the names of the files that are read."""
    read: list[str] = []
    real = flows.staging.land_rows

    def land_rows(work: Work, job: Job, *rest: Any) -> object:
        read.append(job.file_name)
        return real(work, job, *rest)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(flows.staging, "land_rows", land_rows)
        yield read


def told(connection: psycopg.Connection, outcome: Outcome) -> tuple[object, ...]:
    """What the ledger says of an import."""
    found = connection.execute(
        f"SELECT {_TOLD} FROM imports WHERE import_id = %s", [outcome.import_id]
    ).fetchone()
    assert found
    return found


def test_it_is_not_read_and_nothing_is_written(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Counts, issues and what is repeated are those of a file that is read, time after time."""
    first = import_text(TEXT)
    assert first.counts == Counts(5, rejected=2, duplicate=1, inserted=2)
    before = snapshot(connection)
    with reading() as read:
        again = [import_text(TEXT) for _ in range(2)]
    assert read == []
    assert snapshot(connection) == before
    with read_whole():
        expected = import_text(TEXT)
    assert [told(connection, each) for each in again] == [told(connection, expected)] * 2
    assert again[0].counts == Counts(5, rejected=2, duplicate=1, unchanged=2)
    issues = "SELECT DISTINCT issues_import_id FROM imports WHERE import_id <> %s"
    assert connection.execute(issues, [first.import_id]).fetchall() == [(first.import_id,)]


def test_a_file_with_a_record_that_came_in_by_half_is_read(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Of its two rows one was rejected; that is told each time."""
    text = HEADER + ANN + "1,,,,Bonn,,\n" + BOB
    assert import_text(text).counts == Counts(3, rejected=1, inserted=2)
    with reading() as read:
        assert import_text(text).counts == Counts(3, rejected=1, unchanged=2)
    assert read == ["list.csv"]


@attack
@given(st.data())
def test_what_the_ledger_tells_is_what_reading_would_tell(
    place: Place, data: st.DataObject
) -> None:
    """Of the files of some villages, in whatever order."""
    place.empty()
    world = data.draw(worlds(least=2))
    for file in world:
        place.run(file)
    for file in data.draw(st.permutations(world)):
        place.run(file)
        again = place.run(file)
        with read_whole():
            expected = place.run(file)
        found, wanted = (told(place.connection, one) for one in (again, expected))
        assert found == wanted


def _delete_lead(connection: psycopg.Connection, *_: object) -> None:
    connection.execute("DELETE FROM leads WHERE source_record_id = '2'")


def _change_lead(connection: psycopg.Connection, *_: object) -> None:
    connection.execute("UPDATE leads SET city = 'Rome', fingerprint = NULL WHERE city = 'Kiel'")


def _import_another(_: object, import_text: Import, __: object) -> None:
    import_text(HEADER + ANN.replace("Bonn", "Rome").replace("01-31", "02-01"))


def _undo_all(connection: psycopg.Connection, _: object, settings: Settings) -> None:
    for (import_id,) in connection.execute("SELECT import_id FROM imports").fetchall():
        run_undo(import_id, settings)


def _erase_somebody(_: object, import_text: Import, settings: Settings) -> None:
    import_text(HEADER + "9,Zed,415-555-2679,,Oslo,,\n", name="other.csv")
    run_erase("415-555-2679", settings, "acme")


def _undo_opt_outs_of_another(_: object, import_text: Import, settings: Settings) -> None:
    other = import_text(HEADER + "9,Zed,415-555-2679,,Oslo,yes,\n", name="other.csv")
    run_undo(other.import_id, settings, withdraws_opt_outs=True)


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        (_delete_lead, Counts(5, rejected=2, duplicate=1, inserted=1, unchanged=1)),
        (_change_lead, Counts(5, rejected=2, duplicate=1, unchanged=2)),
        (_import_another, Counts(5, rejected=2, duplicate=1, unchanged=2)),
        (_undo_all, Counts(5, rejected=2, duplicate=1, inserted=2)),
        (_erase_somebody, Counts(5, rejected=2, duplicate=1, unchanged=2)),
        (_undo_opt_outs_of_another, Counts(5, rejected=2, duplicate=1, unchanged=2)),
    ],
)
def test_it_is_read_where_what_it_brought_is_not_all_there(
    connection: psycopg.Connection,
    import_text: Import,
    settings: Settings,
    change: Callable[..., None],
    counts: Counts,
) -> None:
    """Whoever changed it: what is gone comes back, and what is newer stays."""
    import_text(TEXT)
    change(connection, import_text, settings)
    with reading() as read:
        assert import_text(TEXT).counts == counts
    assert read == ["list.csv"]


def test_it_is_read_by_other_rules(
    connection: psycopg.Connection, import_text: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same bytes may say something else then."""
    import_text(TEXT)
    monkeypatch.setattr("transforms.normalize.RULES_VERSION", 1_000_000)
    with reading() as read:
        assert import_text(TEXT).counts.unchanged == 2
    assert read == ["list.csv"]


def test_one_with_too_many_rejects_is_held_again(
    import_text: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What let it in once, a policy or a person, need not hold any more."""
    text = HEADER + ANN + CUT * 12
    lax = load_policy("default").model_copy(update={"max_reject_rate": 1.0})
    with monkeypatch.context() as patched:
        patched.setattr(Job, "policy", lax)
        assert import_text(text).counts.rejected == 12
    with reading() as read:
        assert import_text(text).status == "held"
    assert read == ["list.csv"]


def test_a_dry_run_reads_it(connection: psycopg.Connection, import_text: Import) -> None:
    """Its plan names those who stay as they are."""
    import_text(TEXT)
    with reading() as read:
        import_text(TEXT, is_dry_run=True)
    assert read == ["list.csv"]


def test_the_same_content_in_another_list_is_read(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Its records are its own, though they are about the same people."""
    import_text(TEXT)
    with reading() as read:
        assert import_text(TEXT, name="other.csv").counts.inserted == 2
    assert read == ["other.csv"]


def test_it_is_read_after_all_if_others_change_the_people_meanwhile(
    connection: psycopg.Connection,
    settings: Settings,
    import_text: Import,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before the team's lock was its turn, the first import was undone: it is the first again."""
    first = import_text(TEXT)

    def fold_late(*arguments: Any) -> Outcome:
        run_undo(first.import_id, settings)
        return flows.folding.fold(*arguments)

    steps = flows.importing.Steps(flows.importing.land_file, flows.staging.stage, fold_late)
    with reading() as read:
        (outcome,) = run_import(
            Request(tmp_path / "list.csv", "acme", "generic"), settings, steps=steps
        )
    assert read == ["list.csv"]
    assert outcome.counts == first.counts
    assert connection.execute("SELECT count(*) FROM leads").fetchone() == (2,)
