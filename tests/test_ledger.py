"""Teams: their ids, names and regions."""

import re

import psycopg
import pytest

from contracts.errors import WrongCallError
from flows import teams


@pytest.mark.parametrize(
    ("name", "team_id"),
    [
        ("Acme", "acme"),
        (" Acme Homes ", "acme_homes"),
        ("Acmé & Söhne, Inc.", "acme_sohne_inc"),
        ("①②", "12"),
        ("株式会社", r"team_[0-9a-f]{6}"),
        ("東京 Homes", r"homes_[0-9a-f]{6}"),
        ("Łódź", r"odz_[0-9a-f]{6}"),
        ("x" * 63, "x" * 63),
        ("x" * 64, "x{56}_[0-9a-f]{6}"),
    ],
)
def test_an_id_is_the_name_in_plain_letters(name: str, team_id: str) -> None:
    """Where letters are lost, a mark made from the name stands for them, the same each time."""
    team = teams.draft_team(name)
    assert re.fullmatch(team_id, team.team_id)
    assert team == teams.draft_team(name)
    assert team.name == name.strip()


def test_teams_of_one_remainder_are_two(connection: psycopg.Connection) -> None:
    """What tells 東京 from 大阪 is in their ids, though neither has a plain letter."""
    one = teams.add_team(connection, "東京 Homes")
    other = teams.add_team(connection, "大阪 Homes")
    assert one.team_id != other.team_id
    assert teams.find_team(connection, "東京 Homes") == one
    assert teams.find_team(connection, other.team_id) == other


@pytest.mark.parametrize("name", ["", " ", "!?", "🏠", "Ac\x1bme", "Acme\nHomes"])
def test_what_cannot_name_a_team(name: str) -> None:
    """A name needs a letter or digit, and is printed as it is."""
    with pytest.raises(WrongCallError, match="cannot name a team"):
        teams.draft_team(name)


def test_a_clash_names_the_team_that_is_there(connection: psycopg.Connection) -> None:
    """Two names of one id: whoever adds the second learns the first as it is written."""
    teams.add_team(connection, "Acmé-Homes")
    with pytest.raises(WrongCallError, match="There is a team 'Acmé-Homes' already, and 'acme hom"):
        teams.add_team(connection, "acme homes")
    with pytest.raises(WrongCallError, match=r"a team 'Acmé-Homes' \(id acme_homes\) already"):
        teams.add_team(connection, "Acmé-Homes")


def test_a_draft_is_what_would_be_added(connection: psycopg.Connection) -> None:
    """A dry run reads a file as the import after it will."""
    draft = teams.draft_team("Beta", "gb")
    assert teams.add_team(connection, "Beta", "gb") == draft
    assert teams.find_team(connection, "Beta") == draft


@pytest.mark.parametrize(
    ("region", "remedy"),
    [
        ("UK", "For 'UK' write GB."),
        ("Germany", "For 'Germany' write DE."),
        ("USA", "For 'USA' write US."),
        ("ZZ", "Write US, GB or DE, for example."),
        ("", "Write US, GB or DE, for example."),
        ("001", "Write US, GB or DE, for example."),
    ],
)
def test_a_region_that_there_is_not(
    connection: psycopg.Connection, region: str, remedy: str
) -> None:
    """It would make every number without '+' invalid; the message tells the one that was meant."""
    with pytest.raises(WrongCallError, match="There is no region") as caught:
        teams.add_team(connection, "Beta", region)
    assert remedy in str(caught.value)
    assert [team.name for team in teams.list_teams(connection)] == ["acme"]
