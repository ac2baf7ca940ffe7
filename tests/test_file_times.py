"""The time in a file's name, as the clock of its rows."""

from datetime import UTC, datetime

import psycopg
import pytest

from contracts.errors import ContractError, SourceDriftError
from contracts.registry import parse_source
from tests.conftest import AddSource, Import, snapshot
from tests.test_importing import rows
from transforms.file_times import find_file_time, read_file_time

CONTRACT = """
name: dated
source_file: feed
columns:
  source_record_id: id
  crm_id: id
  city: city
  phones: phone
  updated_at: updated
file_time: contacts_%Y%m%d
"""
LANDED_AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def dated(add_source: AddSource) -> None:
    """The contract above is one of the sources."""
    add_source(CONTRACT)


@pytest.mark.parametrize(
    ("name", "pattern", "timezone", "time"),
    [
        ("contacts_20260203.csv", "contacts_%Y%m%d", "UTC", "2026-02-03 00:00"),
        ("Acme Contacts_20260203 (1).CSV", "contacts_%Y%m%d", "UTC", "2026-02-03 00:00"),
        ("contacts_2026-02-03T0405.csv", "%Y-%m-%dT%H%M", "UTC", "2026-02-03 04:05"),
        ("contacts_20260203.csv", "%Y%m%d", "America/New_York", "2026-02-03 05:00"),
        ("3 Feb 2026.xlsx", "%d %b %Y", "UTC", None),
        ("03-february-2026.xlsx", "%d-%B-%Y", "UTC", "2026-02-03 00:00"),
        ("03FEB26.csv", "%d%b%y", "UTC", "2026-02-03 00:00"),
        ("export 2026-02.csv", "%Y-%m", "UTC", "2026-02-01 00:00"),
        ("export_2026034.csv", "%Y%j", "UTC", "2026-02-03 00:00"),
        ("02.03.26, 4 PM.csv", "%m.%d.%y", "UTC", "2026-02-03 00:00"),
        ("100%_2026.csv", "100%%_%Y", "UTC", "2026-01-01 00:00"),
        # Not within a longer number, nor a day that there is none of.
        ("contacts_202602031.csv", "contacts_%Y%m%d", "UTC", None),
        ("12026020.csv", "%Y%m%d", "UTC", None),
        ("20260231 20260203.csv", "%Y%m%d", "UTC", "2026-02-03 00:00"),
        ("12345678_20260203.csv", "%Y%m%d", "UTC", "2026-02-03 00:00"),
        ("contacts.csv", "contacts_%Y%m%d", "UTC", None),
        # A member's own name before its archive's.
        ("a_20260101.zip/b_20260203.csv", "_%Y%m%d", "UTC", "2026-02-03 00:00"),
        ("a_20260203.zip/b.csv", "_%Y%m%d", "UTC", "2026-02-03 00:00"),
        # The clocks went back over the one, and forward over the other midnight.
        ("20261101 0130.csv", "%Y%m%d %H%M", "America/New_York", "2026-11-01 05:30"),
        ("20260424.csv", "%Y%m%d", "Africa/Cairo", "2026-04-23 22:00"),
    ],
)
def test_the_time_in_a_name(name: str, pattern: str, timezone: str, time: str | None) -> None:
    """What the pattern says, wherever it stands; nothing is guessed."""
    found = read_file_time(name, pattern, timezone)
    assert (found and f"{found:%Y-%m-%d %H:%M}") == time
    assert found is None or found.tzinfo is UTC


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("file_time: contacts_%Q", "'%Q' cannot be read in a name; there are %Y"),
        ("file_time: contacts_%Y%", "'%' cannot be read"),
        ("file_time: contacts_%m%d", "needs its year"),
        ("file_time: contacts", "needs its year"),
        ("file_time: '%Y%m%d to %Y%m%d'", "stands there twice"),
        ("file_time: '%Y'\nfile_timezone: Berlin", "'Berlin' is no time zone"),
    ],
)
def test_a_pattern_that_tells_no_time(said: str, expected: str) -> None:
    """Whoever writes the contract learns it then, not by the first file."""
    with pytest.raises(ContractError, match=r"(?s)file_time.*" + expected.replace("(", r"\(")):
        parse_source(f"name: x\nsource_file: feed\ncolumns: {{phones: P}}\n{said}\n", "x.yaml")


def test_a_time_a_day_ahead_counts_as_none() -> None:
    """As that of a row; it is told once, on the first line."""
    source = parse_source(CONTRACT, "x.yaml")
    found = find_file_time("contacts_20261122.csv", source, LANDED_AT)
    assert (found.clock, len(found.issues)) == (datetime(2026, 11, 22, tzinfo=UTC), 0)
    found = find_file_time("contacts_20261123.csv", source, LANDED_AT)
    assert found.clock is None
    assert found.issues.select("line_no", "severity", "code", "raw").rows() == [
        (1, "issue", "clock_in_future", "contacts_20261123.csv")
    ]
    with pytest.raises(SourceDriftError, match=r"such as contacts_20261121\."):
        find_file_time("contacts.csv", source, LANDED_AT)


def test_rows_without_a_clock_have_that_of_their_file(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Files count by their dates, whatever the order in which they come; a row's own clock wins."""
    header = "id,city,phone,updated\n"
    import_text(
        header + "1,Rome,415-555-2671,\n2,Oslo,,2026-03-01\n3,Bonn,,soon\n",
        "dated",
        "contacts_20260202.csv",
    )
    import_text(header + "1,Kyiv,,\n2,Kyiv,,\n3,,,\n", "dated", "contacts_20260101.csv")
    found = rows(connection, "SELECT city, clock FROM leads ORDER BY source_record_id")
    file_clock, own_clock = datetime(2026, 2, 2, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
    assert found == [
        {"city": "Rome", "clock": file_clock},
        {"city": "Oslo", "clock": own_clock},
        {"city": "Bonn", "clock": file_clock},
    ]
    import_text(header + "1,Ulm,,\n2,Ulm,,\n", "dated", "contacts_20260203.csv")
    found = rows(connection, "SELECT city FROM leads ORDER BY source_record_id")
    assert [lead["city"] for lead in found] == ["Ulm", "Oslo", "Bonn"]


def test_a_file_of_the_same_rows_and_another_date_writes_nothing(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Its records are known by their text: who says the same again says nothing new."""
    text = "id,city\n1,Rome\n"
    import_text(text, "dated", "contacts_20260101.csv")
    before = snapshot(connection)
    assert import_text(text, "dated", "contacts_20260202.csv").counts.unchanged == 1
    assert snapshot(connection) == before


def test_a_file_whose_name_tells_no_time_is_held(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Nothing is written; the analyst reads what the name should be."""
    before = snapshot(connection)
    outcome = import_text("id,city\n1,Rome\n", "dated", "contacts.csv")
    assert outcome.status == "held"
    assert "the name 'contacts.csv' does not say" in outcome.reason
    assert snapshot(connection) == before


def test_a_file_from_the_future_is_told_and_counts_as_undated(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """A slip in the year does not win against all that comes after."""
    outcome = import_text("id,city\n1,Rome\n", "dated", "contacts_21260101.csv")
    assert rows(connection, "SELECT clock FROM leads") == [{"clock": None}]
    (issue,) = rows(connection, "SELECT line_no, code, message FROM import_issues")
    assert (issue["line_no"], issue["code"]) == (1, "clock_in_future")
    assert "The file's name" in str(issue["message"])
    assert (outcome.counts.landed, outcome.counts.inserted) == (1, 1)
