"""Who is meant by an id, a phone, an email, or a record's id."""

import psycopg
import pytest

from contracts.errors import WrongCallError
from flows import teams
from flows.finding import find_person
from tests.conftest import Import
from tests.test_explaining import merge_two
from tests.test_survive import EMAIL


@pytest.fixture
def ann(connection: psycopg.Connection, import_text: Import) -> str:
    """The persona of a Salesforce record with a phone and an email."""
    import_text(
        f"Id,FirstName,Phone,Email,LastModifiedDate\n"
        f"0035kLGgLz2LhMAZUA,Ann,(415) 555-2671,{EMAIL},2026-01-01\n",
        "salesforce",
        name="s.csv",
    )
    (row,) = connection.execute("SELECT persona_id FROM personas").fetchall()
    return str(row[0])


WAYS = (
    "+14155552671",
    "415-555-2671",
    "(415) 555 2671",
    EMAIL,
    EMAIL.upper(),
    f" {EMAIL} ",
    "0035kLGgLz2LhMAZUA",
    "{persona}",
    "{end}",
    "{small_end}",
    "{lead}",
)


def test_each_way_to_name_a_person(connection: psycopg.Connection, ann: str) -> None:
    """As people have it at hand, with or without the team."""
    (lead,) = connection.execute("SELECT lead_id FROM leads").fetchall()[0]
    for text in WAYS:
        asked = text.format(persona=ann, end=ann[-6:], small_end=ann[-6:].lower(), lead=lead)
        for team in ("acme", None):
            assert find_person(connection, asked, team).persona_id == ann, text


def test_a_short_salesforce_id_is_its_long_one(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """Reports have 15 characters, exports 18."""
    import_text(
        f"Id,FirstName,Email,LastModifiedDate\n0035kLGgLz2LhMA,Ann,{EMAIL},2026-01-01\n",
        "salesforce",
        name="s.csv",
    )
    found = find_person(connection, "0035kLGgLz2LhMA", "acme")
    assert found.label == f"Ann, {EMAIL}"


def test_several_people_are_listed_to_choose_from(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """By id and by what an analyst knows them; it is a wrong call."""
    head = "id,first_name,phone\n"
    import_text(f"{head}1,Ann,415-555-2671\n2,Bob,415-555-2671\n", name="a.csv")
    with pytest.raises(WrongCallError) as caught:
        find_person(connection, "415-555-2671", "acme")
    ids = [row[0] for row in connection.execute("SELECT persona_id FROM personas ORDER BY 1")]
    said = str(caught.value)
    assert said.startswith("'415-555-2671' may be 2 people.")
    assert all(each in said for each in (*ids, "Ann, +14155552671", "Bob, +14155552671"))
    assert caught.value.exit_code == 2


def test_nobody_is_a_clear_sentence(connection: psycopg.Connection, ann: str) -> None:
    """Also for what only looks like the end of an id, and for the ids of other teams."""
    teams.add_team(connection, "other")
    for text in ("415-555-0000", "x@example.com", "%", "", "A", ann):
        with pytest.raises(WrongCallError, match="There is nobody in team 'other'"):
            find_person(connection, text, "other")
    with pytest.raises(WrongCallError, match="There is nobody in any team"):
        find_person(connection, "415-555-0000", None)


def test_who_was_merged_is_who_took_over(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """However often."""
    merge_two(connection, import_text)
    gone, kept = connection.execute(
        "SELECT persona_id, merged_into FROM personas WHERE merged_into IS NOT NULL"
    ).fetchall()[0]
    found = find_person(connection, gone, "acme")
    assert (found.persona_id, found.asked_id) == (kept, gone)
    assert find_person(connection, EMAIL, "acme").asked_id is None
