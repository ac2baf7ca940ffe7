"""What staging leaves in the work database for the fold."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from flows import teams
from flows.jobs import Job, say_nothing
from flows.landing import land
from flows.settings import Settings
from flows.staging import stage, stage_changed
from transforms.relations import query
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
