"""Clear tokens: what empties a stored field, and what does not."""

from collections.abc import Iterator
from itertools import permutations

import duckdb
import polars as pl
import psycopg
import pytest

from contracts.people import STATED
from contracts.registry import parse_source
from flows import teams
from tests.conftest import AddSource, Import, snapshot
from tests.test_importing import rows
from tests.test_normalize import normalized
from transforms.dedupe import fold_statements
from transforms.relations import Work, append, query, run
from transforms.shapes import STAGED
from transforms.work_tables import open_work

CONTRACT = """
name: tokens
source_file: feed
id_space: tokens
columns:
  source_record_id: id
  crm_id: id
  full_name: name
  first_name: first
  last_name: last
  city: city
  lead_status: status
  user_id: user
  phones: [phone, mobile]
  emails: [email]
  tags: [tags, labels]
  updated_at: updated
clear: ["<clear>", "#N/A!", Delete]
"""
SOURCE = parse_source(CONTRACT, "x.yaml")


@pytest.fixture
def tokens(add_source: AddSource) -> None:
    """The contract above is one of the sources."""
    add_source(CONTRACT)


@pytest.mark.parametrize(
    ("cells", "cleared"),
    [
        ({"city": "<clear>"}, ["city"]),
        ({"city": " <CLEAR> ", "status": "#n/a!"}, ["city", "lead_status"]),
        ({"city": '="<clear>"'}, ["city"]),
        ({"city": "<clear> it"}, []),
        ({"city": ""}, []),
        ({"city": "n/a"}, []),
        ({"first": "Delete"}, ["first_name"]),
        ({"phone": "<clear>"}, ["phones"]),
        ({"phone": "<clear>", "mobile": "n/a"}, ["phones"]),
        ({"phone": "<clear>", "mobile": "<clear>"}, ["phones"]),
        ({"phone": "<clear>", "mobile": "415-555-2671"}, []),
        ({"phone": "<clear>", "mobile": "12"}, []),
        ({"email": "<clear>"}, ["emails"]),
        ({"tags": "<clear>"}, ["tags"]),
        ({"tags": "<clear>", "labels": "VIP"}, []),
        ({"user": "<clear>"}, []),
        ({"updated": "<clear>"}, []),
        (
            {"name": "<clear>"},
            ["first_name", "full_name", "honorific", "last_name", "middle_name", "suffix"],
        ),
        ({"name": "<clear>", "first": "Ann"}, ["full_name"]),
        ({"first": "<clear>", "name": "Ann Lee"}, []),
        ({"first": "<clear>", "last": "Lee"}, ["first_name"]),
    ],
)
def test_which_fields_a_row_empties(cells: dict[str, str | None], cleared: list[str]) -> None:
    """Those whose cell is a token and that nothing else in the row fills; never an id or a time."""
    row = normalized({"id": ["7"], **{name: [text] for name, text in cells.items()}}, SOURCE)
    assert row.rows["cleared"].to_list() == [cleared]
    told = {"phone_too_short"} if "12" in cells.values() else set()
    assert set(row.issues["code"]) - {"cell_excel_text"} == told, "a token is no damage"
    held = {text for text in row.rows.row(0) if isinstance(text, str)}
    assert not {text.lower() for text in held} & set(SOURCE.clear), "a token is no value"


def test_a_token_is_no_id() -> None:
    """A record id or CRM id that is a token is just blank."""
    found = normalized({"id": ["<clear>"], "phone": ["415-555-2671"]}, SOURCE).rows
    assert found.select("source_record_id", "crm_id", "cleared").row(0) == ("r", None, [])


def test_without_tokens_nothing_is_emptied() -> None:
    """No contract has any unless it says so."""
    found = normalized({"City": ["<clear>"], "Phone": ["415-555-2671"]}).rows
    assert found.select("city", "cleared").row(0) == ("<clear>", [])


@pytest.fixture
def work() -> Iterator[Work]:
    with duckdb.connect() as connection:
        sources = pl.DataFrame({"source": ["x"], "trust": [0], "claim_space": ["x"]})
        open_work(connection, sources)
        connection.execute(
            "create table records (source_record_id text, row_count int, fingerprint text)"
        ).fetchall()
        yield connection


# Statements of one record: line, clock (a day of 2026, or none), city, and whether it empties it.
Statement = tuple[int, int | None, str | None, bool]


@pytest.mark.parametrize(
    ("statements", "city", "clock"),
    [
        ([(2, 1, "Rome", False), (3, 2, None, True)], None, "2026-01-02T00:00:00.000000Z"),
        ([(2, 2, "Rome", False), (3, 1, None, True)], "Rome", None),
        ([(2, 1, None, True), (3, 2, None, False)], None, "2026-01-01T00:00:00.000000Z"),
        ([(2, 1, None, True)], None, "2026-01-01T00:00:00.000000Z"),
        ([(2, None, "Rome", False), (3, None, None, True)], None, "none"),
        ([(2, None, None, True), (3, None, "Rome", False)], "Rome", None),
        ([(2, None, None, True), (3, 1, "Rome", False)], "Rome", None),
        ([(2, 1, None, True), (3, 1, "Rome", False)], "Rome", None),
    ],
)
def test_the_newest_statement_wins_also_when_it_empties(
    work: Work, statements: list[Statement], city: str | None, clock: str | None
) -> None:
    """By clock, then by line; of one clock a value wins, and an emptied field keeps its clock."""
    staged = pl.DataFrame(
        [
            {
                "line_no": line,
                "source_record_id": "7",
                "city": city,
                "clock": f"2026-01-{day:02d}" if day else None,
                "cleared": ["city"] if is_emptied else [],
            }
            for line, day, city, is_emptied in statements
        ],
        schema_overrides={"city": pl.String, "clock": pl.String},
    ).with_columns(
        pl.col("clock").str.to_datetime("%Y-%m-%d", time_unit="us", time_zone="UTC"),
        is_deleted=pl.lit(value=False),
        phones=pl.lit(["+14155552671"]),
    )
    assert {*STATED, "line_no", "source_record_id", "merged_into", "cleared"} == set(STAGED)
    append(work, "staged", staged)
    work.execute("insert into records values ('7', 1, 'f')").fetchall()
    run(work, "number_records")
    fold_statements(work)
    found = query(work, "select city, phones, field_clocks->>'city' as clock from folded").row(0)
    is_kept = query(work, "select json_exists(field_clocks, 'city') from folded").item()
    assert found == (city, ["+14155552671"], None if clock == "none" else clock)
    assert bool(is_kept) == (clock is not None)


HEADER = "id,name,city,status,phone,mobile,email,tags,updated\n"
STATED_LINES = (
    "1,Ann Lee,Rome,open,415-555-2671,,a@example.com,VIP,2026-01-01\n",
    "1,,<clear>,,<clear>,,,<clear>,2026-02-01\n",
    "1,,Kyiv,,415-555-2672,,<clear>,,2026-01-15\n",
)
EMPTIED = {
    "first_name": "Ann",
    "city": None,
    "lead_status": "open",
    "phones": [],
    "emails": [],
    "tags": None,
    "claims": ["email=a@example.com", "phone=+14155552671", "phone=+14155552672"],
}
LEAD = "first_name, city, lead_status, phones, emails, tags, claims"


@pytest.mark.usefixtures("tokens")
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_token_empties_what_is_older_however_the_rows_come(
    connection: psycopg.Connection, import_text: Import, order: tuple[int, ...]
) -> None:
    """In one file or in several, in any order: the same lead, with the same clocks and claims."""
    for team in ("one", "two"):
        teams.add_team(connection, team)
    lines = [STATED_LINES[at] for at in order]
    import_text(HEADER + "".join(lines), "tokens", team="one")
    for line in lines:
        import_text(HEADER + line, "tokens", team="two")
    one, two = (
        rows(connection, f"SELECT {LEAD}, clock, field_clocks FROM leads WHERE team_id = '{team}'")
        for team in ("one", "two")
    )
    assert one == two
    assert {name: one[0][name] for name in EMPTIED} == EMPTIED
    assert rows(connection, "SELECT DISTINCT first_name, city, phone, email FROM personas") == [
        {"first_name": "Ann", "city": None, "phone": None, "email": None}
    ]


@pytest.mark.usefixtures("tokens")
def test_an_emptied_field_is_filled_by_what_is_newer_alone(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """The clock of the clearing is remembered; a blank does not bring anything back."""
    import_text("id,city,updated\n1,Rome,2026-01-01\n", "tokens")
    import_text("id,city,updated\n1,<clear>,2026-02-01\n", "tokens")
    for city, day, expected in (
        ("Kyiv", "2026-01-15", None),
        ("", "2026-03-01", None),
        ("Oslo", "2026-01-31", None),
        ("Ulm", "2026-02-02", "Ulm"),
        ("Bonn", "2026-01-31", "Ulm"),
    ):
        import_text(f"id,city,updated\n1,{city},{day}\n", "tokens")
        assert rows(connection, "SELECT city FROM leads") == [{"city": expected}], city


@pytest.mark.usefixtures("tokens")
def test_a_clearing_that_is_in_already_writes_nothing(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """The same file again, and the same clearing in another file."""
    import_text("id,city,updated\n1,<clear>,2026-02-01\n", "tokens")
    assert rows(connection, "SELECT city, field_clocks FROM leads") == [
        {"city": None, "field_clocks": {"city": "2026-02-01T00:00:00.000000Z"}}
    ]
    before = snapshot(connection)
    again = import_text("id,city,updated\n1,<clear>,2026-02-01\n", "tokens")
    other = import_text("id,city,phone,updated\n1,#N/A!,,2026-02-01\n", "tokens")
    assert (again.counts.unchanged, other.counts.unchanged) == (1, 1)
    assert snapshot(connection) == before


@pytest.mark.usefixtures("tokens")
def test_a_lead_that_emptied_a_field_leaves_it_to_the_others(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """It contributes nothing to the golden record; others do. Its phone still matches."""
    import_text("name,city,phone,updated_at\nAnn,Bonn,415-555-2671,2025-01-01\n")
    import_text("id,city,phone,updated\n1,Rome,415-555-2671,2026-01-01\n", "tokens")
    assert rows(connection, "SELECT city FROM personas") == [{"city": "Rome"}]
    import_text("id,city,phone,updated\n1,<clear>,<clear>,2026-02-01\n", "tokens")
    assert rows(connection, "SELECT city, phone FROM personas") == [
        {"city": "Bonn", "phone": "+14155552671"}
    ]
    assert import_text("name,phone\nA. Lee,415-555-2671\n", name="b.csv").match["phone"] == 1


@pytest.mark.usefixtures("tokens")
def test_a_clearing_is_told_as_a_change_of_the_person(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """What stood there is kept in the versions of the lead and of the persona."""
    import_text("id,city,updated\n1,Rome,2026-01-01\n", "tokens")
    import_text("id,city,updated\n1,<clear>,2026-02-01\n", "tokens")
    assert rows(connection, "SELECT city, field_clocks FROM lead_versions ORDER BY import_id") == [
        {"city": "Rome", "field_clocks": None},
        {"city": None, "field_clocks": {"city": "2026-02-01T00:00:00.000000Z"}},
    ]
    (version,) = rows(connection, "SELECT changes->'city' AS city FROM persona_versions")
    assert isinstance(version["city"], dict)
    assert (version["city"]["before"], version["city"].get("after")) == ("Rome", None)
