"""Lone records are written while the rest is planned: all in one transaction still."""

import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event

import psycopg
import pytest

import flows.ahead
import flows.folding
from flows import ledger, warehouse
from flows.settings import Settings
from tests.children import FORKABLE, import_and_die
from tests.conftest import AddSource, Import
from tests.states import content
from transforms.lone import FEW_RECORDS
from transforms.relations import Work

LONE = FEW_RECORDS + 50
PEOPLE = (*range(LONE), 3, 4)
"""Each a record of its own, but that two of them come twice, with another id."""

FILE = "id,name,phone,email\n" + "".join(
    f"{at},Ann Lee,415-555-{number:04},p{number}@example.com\n" for at, number in enumerate(PEOPLE)
)
RECORDS = len(PEOPLE)
LEFT_ALONE = LONE - 2


CALLED = """
name: called
source_file: file
recognised_by: [About]
columns:
  source_record_id: [id]
  full_name: [name]
  phones: [phone]
  emails: [email]
tables:
  lead_activities:
    external_id: id
    lead_id: about
    activity_type: name
"""


def count(connection: psycopg.Connection) -> tuple[int, ...]:
    counted = "SELECT (SELECT count(*) FROM personas), (SELECT count(*) FROM leads)"
    return connection.execute(counted).fetchone() or ()


@pytest.fixture
def plan_late(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[int, ...]]]:
    """Planning waits until all is written ahead; what the import's own connection sees by then."""
    seen: list[tuple[int, ...]] = []
    begin, resolve = flows.ahead.Ahead.begin, flows.folding.resolve
    begun: list[flows.ahead.Ahead] = []

    def note(self: flows.ahead.Ahead, *arguments: object) -> None:
        begin(self, *arguments)  # type: ignore[arg-type]
        begun.append(self)

    def look(*arguments: object) -> None:
        if begun:
            seen.append(count(begun[-1].wait()))
        resolve(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(flows.ahead.Ahead, "begin", note)
    monkeypatch.setattr(flows.folding, "resolve", look)
    return seen


def test_lone_records_stand_there_before_the_rest_is_planned(
    connection: psycopg.Connection, import_text: Import, plan_late: list[tuple[int, ...]]
) -> None:
    """By the import's own connection; the ledger counts all, and each is there once."""
    outcome = import_text(FILE)
    assert plan_late == [(LEFT_ALONE, LEFT_ALONE)]
    assert count(connection) == (LONE, RECORDS)
    assert outcome.counts.inserted == RECORDS
    assert (outcome.effects["personas"], outcome.effects["leads"]) == (
        {"insert": LONE},
        {"insert": RECORDS},
    )


def test_also_into_a_team_that_has_people(
    connection: psycopg.Connection, import_text: Import, plan_late: list[tuple[int, ...]]
) -> None:
    """What others hold is met, and planned with all steps; the rest is written ahead."""
    import_text("id,name,phone\nx,Ann Lee,415-555-0000\n", name="before.csv")
    import_text(FILE)
    assert plan_late == [(0, 0), (1 + LEFT_ALONE - 1, 1 + LEFT_ALONE - 1)]
    assert count(connection) == (LONE, 1 + RECORDS)


def test_nobody_sees_them_before_the_commit(
    connection: psycopg.Connection, import_text: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others see all of an import or nothing."""
    seen: list[tuple[int, ...]] = []
    apply = flows.folding.apply

    def look(*arguments: object) -> None:
        seen.append(count(connection))
        apply(*arguments)  # type: ignore[arg-type]
        seen.append(count(connection))

    monkeypatch.setattr(flows.folding, "apply", look)
    import_text(FILE)
    assert seen == [(0, 0), (0, 0)]
    assert count(connection) == (LONE, RECORDS)


def test_a_dry_run_writes_none(
    connection: psycopg.Connection, import_text: Import, plan_late: list[tuple[int, ...]]
) -> None:
    """It tells what would be written."""
    outcome = import_text(FILE, is_dry_run=True)
    assert plan_late == []
    assert outcome.counts.inserted == RECORDS
    assert count(connection) == (0, 0)


def test_rows_that_refer_to_people_find_no_others_than_in_a_dry_run(
    import_text: Import,
    add_source: AddSource,
    plan_late: list[tuple[int, ...]],
) -> None:
    """What refers to a lead of the same file finds it in neither, so nothing is written ahead."""
    add_source(CALLED)
    text = FILE.replace("email\n", "email,about\n").replace("example.com\n", "example.com,3\n")
    tried = import_text(text, "called", is_dry_run=True)
    assert import_text(text, "called").effects == tried.effects
    assert plan_late == []


def test_tables_on_disk_are_not_read_meanwhile(
    connection: psycopg.Connection,
    import_text: Import,
    plan_late: list[tuple[int, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are written down as a whole while golden records are made."""
    monkeypatch.setattr("flows.work_database._LARGE_FILE", 0)
    import_text(FILE)
    assert plan_late == [(0, 0)]
    assert count(connection) == (LONE, RECORDS)


@pytest.mark.parametrize("is_waiting", [False, True])
def test_what_is_written_ahead_of_a_plan_that_fails_is_rolled_back(
    connection: psycopg.Connection,
    settings: Settings,
    import_text: Import,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_waiting: bool,
) -> None:
    """Written, or waiting for somebody who has locked the table: the import ends with its own
    error, and imports as ever the next time."""
    has_begun = Event()
    write = flows.ahead.Ahead._write

    def tell(self: flows.ahead.Ahead, work: Work, team_id: str) -> dict[str, int]:
        has_begun.set()
        return write(self, work, team_id)

    def fail(*_: object) -> None:
        assert has_begun.wait(60)
        raise RuntimeError("no plan")

    with monkeypatch.context() as patch, closing(warehouse.connect(settings)) as other:
        patch.setattr(flows.ahead.Ahead, "_write", tell)
        patch.setattr(flows.folding, "resolve", fail)
        with other.transaction():
            if is_waiting:
                other.execute("LOCK TABLE personas IN SHARE MODE")
            with pytest.raises(RuntimeError, match="no plan"):
                import_text(FILE)
            if is_waiting:
                waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
                assert other.execute(waiting).fetchone() == (0,)
    assert count(connection) == (0, 0)
    assert ledger.list_imports(connection)[0].status == "failed"
    assert import_text(FILE).counts.inserted == RECORDS


def test_others_who_were_faster_make_it_plan_again(
    connection: psycopg.Connection, import_text: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody puts a person of the file into Postgres between fetching and writing."""
    begun: list[flows.ahead.Ahead] = []
    real = flows.ahead.Ahead.begin

    def put_in(self: flows.ahead.Ahead, *arguments: object) -> None:
        if not begun:
            connection.execute(
                "INSERT INTO personas (team_id, persona_id, full_name, phone)"
                " VALUES ('acme', 'persona_hand', 'Ann Lee', '+14155550007')"
            )
        begun.append(self)
        real(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(flows.ahead.Ahead, "begin", put_in)
    outcome = import_text(FILE)
    assert count(connection) == (LONE, RECORDS)
    assert outcome.match["phone"] == 3
    conflicts = ledger.list_imports(connection)[0].conflicts
    assert conflicts == {"personas_phone_unique_idx": 1}


@pytest.mark.parametrize("number", [1, 2])
def test_a_kill_while_writing_ahead_leaves_nothing(
    settings: Settings, connection: psycopg.Connection, tmp_path: Path, number: int
) -> None:
    """After the people are written, and after the leads are; the same file again brings all."""
    path = tmp_path / "list.csv"
    path.write_text(FILE)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(FORKABLE)
    _, tell = context.Pipe(duplex=False)
    for point, ends in ((f"call flows.apply.insert_rows {number}", -signal.SIGKILL), ("", 0)):
        given = (settings, path, "acme", "generic", point, tell)
        process = context.Process(target=import_and_die, args=given)
        process.start()
        process.join()
        assert process.exitcode == ends
        assert count(connection) == ((0, 0) if point else (LONE, RECORDS))


def test_what_is_written_ahead_is_what_would_be_written_after(
    connection: psycopg.Connection, import_text: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row by row, in all columns."""
    import_text(FILE)
    ahead = content(connection)
    connection.execute("TRUNCATE leads, personas, identities")
    monkeypatch.setattr(flows.ahead, "count_lone", lambda _: 0)
    import_text(FILE)
    assert content(connection) == ahead
