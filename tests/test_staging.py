"""What staging leaves in the work database for the fold."""

import hashlib
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

import flows.staging
from flows import teams
from flows.fingerprints import Known, change_seq
from flows.importing import begin, run_import
from flows.jobs import Job, Request, say_nothing
from flows.landing import Batch, land
from flows.settings import Settings
from flows.staging import is_staged_from, stage, stage_changed
from flows.undoing import run_undo
from transforms.relations import Work, query
from transforms.shapes import STAGED

TEXT = (
    "id,phone,email,crm_id,Email Opt Out,DNC,deleted,last activity,updated_at\n"
    "1,415-555-2671,ann@example.com,,yes,yes,,,2026-01-31\n"
    "1,415-555-2671,ann@example.com,,yes,yes,,,2026-01-31\n"
    "2,,,,yes,,,,\n"
    "3,,,C3,,yes,,,\n"
    "4,,,,,,yes,,\n"
    ",,,,,,yes,,\n"
    "6,415-555-2672,,,no,no,no,,\n"
    "7,short\n"
)


@pytest.fixture
def job(tmp_path: Path, settings: Settings, connection: psycopg.Connection) -> Job:
    path = tmp_path / "list.csv"
    path.write_text(TEXT, encoding="utf-8")
    job = Job(
        "import_01KAHZYAG00000000000000005",
        teams.find_team(connection, "acme"),
        "generic",
        "generic/list",
        path.name,
        path,
        datetime(2026, 11, 21, tzinfo=UTC),
        is_dry_run=True,
    )
    (settings.work / job.import_id).mkdir(parents=True)
    return job


def test_opt_outs_are_stated_by_rejects_and_duplicates_too(
    job: Job, settings: Settings, connection: psycopg.Connection
) -> None:
    """Line 4 is rejected and line 3 repeats line 2; staging again starts over."""
    (batch,) = land(job.path, settings.landing)
    with closing(stage(job, batch, settings, say_nothing)) as work:
        for _ in range(2):
            found = query(work, "select line_no, kind, value, channel from stated_opt_outs").rows()
            of_ann = [
                ("email", "ann@example.com", "email"),
                ("phone", "+14155552671", "phone"),
                ("record", "1", "email"),
                ("record", "1", "phone"),
            ]
            assert sorted(found) == [
                *((2, *said) for said in of_ann),
                *((3, *said) for said in of_ann),
                (4, "record", "2", "email"),
                (5, "crm", "C3", "phone"),
            ]
            stage_changed(
                work, connection, job, batch, replace(settings, chunk_rows=2), say_nothing
            )


def test_a_tombstone_that_names_its_record_needs_no_claim(
    job: Job, settings: Settings, connection: psycopg.Connection
) -> None:
    """Line 6 names a record; line 7 names none, and line 4 is no tombstone."""
    (batch,) = land(job.path, settings.landing)
    with closing(stage(job, batch, settings, say_nothing)) as work:
        staged = query(work, "select * from staged order by line_no")
        rejects = query(work, "select line_no, code from issues order by line_no").rows()
    assert staged.columns == list(STAGED)
    assert staged.select("line_no", "is_deleted").rows() == [
        (2, False),
        (3, False),
        (5, False),
        (6, True),
        (8, False),
    ]
    assert rejects == [(4, "no_identity"), (7, "no_identity"), (9, "too_few_fields")]


def test_days_and_months_are_told_apart_by_all_times_of_a_file(
    job: Job, settings: Settings, connection: psycopg.Connection
) -> None:
    """By a column's own values, else by those of the file's other times."""
    job.path.write_text(
        "id,phone,last activity,updated_at\n"
        "1,415-555-2671,03/04/2026,25/03/2026\n2,415-555-2672,,03/04/2026\n"
    )
    (batch,) = land(job.path, settings.landing)
    with closing(stage(job, batch, settings, say_nothing)) as work:
        staged = query(work, "select last_activity_at, clock from staged order by line_no").rows()
        assert query(work, "select * from issues").is_empty()
    april, march = datetime(2026, 4, 3, tzinfo=UTC), datetime(2026, 3, 25, tzinfo=UTC)
    assert staged == [(april, march), (None, april)]


HEADER = "Id,Phone,City,LastModifiedDate\n"
ANN = "003A,415-555-2671,Bonn,03/04/2026\n"
BOB = "003B,415-555-2672,Kiel,25/03/2026\n"


def staged_lines(work: Work) -> list[tuple[int, str]]:
    return query(work, "select line_no, source_record_id from staged order by line_no").rows()


def import_lines(folder: Path, settings: Settings, *lines: str) -> Request:
    path = folder / "contacts.csv"
    path.write_text(HEADER + "".join(lines), encoding="utf-8")
    request = Request(path, "acme", "salesforce")
    assert [outcome.status for outcome in run_import(request, settings)] == ["done"]
    return request


def stage_lines(folder: Path, settings: Settings, *lines: str) -> tuple[Job, Batch, Work]:
    path = folder / "contacts.csv"
    path.write_text(HEADER + "".join(lines), encoding="utf-8")
    job = begin(Request(path, "acme", "salesforce"), settings)
    (settings.work / job.import_id).mkdir(parents=True)
    (batch,) = land(job.path, settings.landing)
    job = replace(job, source_file="salesforce/default")
    return job, batch, stage(job, batch, settings, say_nothing)


def test_rows_that_postgres_knows_are_not_read_again(
    tmp_path: Path, settings: Settings, connection: psycopg.Connection
) -> None:
    """Whatever stands before and behind them; how the file writes its days, all its rows tell."""
    import_lines(tmp_path, settings, ANN, BOB)
    new = ANN.replace("003A", "003C")
    _, _, work = stage_lines(tmp_path, settings, new, BOB, ANN)
    with closing(work):
        judged = query(work, "select line_no from judged_lines")["line_no"].to_list()
        assert (judged, staged_lines(work)) == ([2], [(2, "003C")])
        (clock,) = query(work, "select clock from staged")["clock"]
    assert clock == datetime(2026, 4, 3, tzinfo=UTC)


def test_a_known_row_is_read_after_all_if_its_record_has_another(
    tmp_path: Path, settings: Settings, connection: psycopg.Connection
) -> None:
    """The record is what both of them say."""
    import_lines(tmp_path, settings, ANN, BOB)
    _, _, work = stage_lines(tmp_path, settings, ANN, BOB, ANN.replace("Bonn", "Ulm"))
    with closing(work):
        assert staged_lines(work) == [(2, "003A"), (4, "003A")]
        assert sorted(query(work, "select line_no, city from staged").rows()) == [
            (2, "Bonn"),
            (4, "Ulm"),
        ]


def test_known_rows_are_read_after_all_if_they_are_undone_meanwhile(
    tmp_path: Path, settings: Settings, connection: psycopg.Connection
) -> None:
    """They were passed over while the file was read; before the fold the undo takes them back."""
    import_lines(tmp_path, settings, ANN)
    second = import_lines(tmp_path, settings, ANN, BOB)
    job, batch, work = stage_lines(tmp_path, settings, BOB, ANN)
    with closing(work):
        assert staged_lines(work) == []
        run_undo(second.import_id, settings)
        stage_changed(work, connection, job, batch, settings, say_nothing)
        assert staged_lines(work) == [(2, "003B")]


@pytest.mark.parametrize("is_large_team", [False, True])
def test_of_a_mostly_new_file_known_rows_that_were_judged_are_forgotten(
    tmp_path: Path,
    settings: Settings,
    connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    is_large_team: bool,
) -> None:
    """A record of two rows is known only as a whole; its damaged cell is not told a second time."""
    if is_large_team:
        monkeypatch.setattr(flows.staging, "_BYTES_PER_KNOWN", 1 << 40)
    ann = ANN.replace("03/04/2026", "2026-04-03")
    damaged = ann.replace("Bonn", "#REF!")
    import_lines(tmp_path, settings, ann, damaged)
    new = [ann.replace("003A", f"003{letter}") for letter in "CDEF"]
    # Nothing is left for a second pass.
    monkeypatch.setattr(flows.staging, "judge", gone)
    _, _, work = stage_lines(tmp_path, settings, ann, damaged, *new)
    with closing(work):
        assert [line for line, _ in staged_lines(work)] == [4, 5, 6, 7]
        assert sorted(query(work, "from judged_lines")["line_no"]) == [4, 5, 6, 7]
        assert query(work, "from issues").is_empty()


def test_it_makes_no_difference_when_rows_are_judged(
    tmp_path: Path, settings: Settings, connection: psycopg.Connection, job: Job
) -> None:
    """At once, as in a first import, or when Postgres was asked, as in a dry run."""
    (batch,) = land(job.path, settings.landing)
    found = []
    for is_dry_run in (True, False):
        if not is_dry_run:
            begin(Request(job.path, "acme", "generic", import_id=job.import_id), settings)
        one = replace(job, is_dry_run=is_dry_run)
        with closing(stage(one, batch, replace(settings, chunk_rows=3), say_nothing)) as work:
            assert query(work, "select count(*) from conformed").item() == (7 if is_dry_run else 0)
            found.append(
                [
                    sorted(query(work, f"from {table}").rows(), key=repr)
                    for table in ("staged", "stated_opt_outs", "issues", "judged_lines")
                ]
            )
    assert found[0] == found[1]


def test_staging_that_broke_off_is_not_taken_for_done(
    job: Job,
    settings: Settings,
    connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else what was erased or changed meanwhile would be planned as it was before."""
    (batch,) = land(job.path, settings.landing)
    with closing(stage(job, batch, settings, say_nothing)) as work:
        connection.execute("UPDATE teams SET change_seq = change_seq + 1")
        with monkeypatch.context() as patched:
            patched.setattr(flows.staging, "keep_out_erased", gone)
            with pytest.raises(psycopg.OperationalError):
                stage_changed(work, connection, job, batch, settings, say_nothing)
        seq = change_seq(connection, job.team.team_id)
        assert not is_staged_from(work, seq)
        stage_changed(work, connection, job, batch, settings, say_nothing)
        assert is_staged_from(work, seq)


def gone(*_: object) -> None:
    raise psycopg.OperationalError("the server closed the connection")


@given(
    st.lists(st.integers(0, 40), max_size=30), st.lists(st.integers(0, 40), min_size=1, max_size=30)
)
def test_known_rows_are_told_in_the_order_in_which_they_are_asked_for(
    stored: list[int], asked: list[int]
) -> None:
    """However they are looked up: of a row that is told wrongly all is read again, or in vain."""
    hashes = [hashlib.md5(str(number).encode()).hexdigest() for number in range(41)]
    known = Known([pl.Series([hashes[number] for number in stored], dtype=pl.String)])
    rows = pl.Series([hashes[number] for number in asked])
    assert known.holds(rows).to_list() == [number in stored for number in asked]
