"""Teams: their ids, names and regions."""

import re

import psycopg
import pytest

from contracts.errors import ContractError, WrongCallError
from contracts.registry import load_policy
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


def test_the_policy_in_effect_is_what_its_file_said(connection: psycopg.Connection) -> None:
    """It is stored whole when the team is added; another one is put into effect at will."""
    team = teams.add_team(connection, "Beta", policy="strict_phone")
    assert teams.policy_of(team) == load_policy("strict_phone")
    changed = load_policy("per_niche").model_copy(update={"shared_after": 9})
    teams.set_policy(connection, "beta", changed)
    found = teams.find_team(connection, "Beta")
    assert (found.policy, teams.policy_of(found)) == ("per_niche", changed)
    assert teams.has_changed_policy(found)
    assert not teams.has_changed_policy(teams.find_team(connection, "acme"))


def test_a_team_without_stored_rules_has_those_of_the_file(
    connection: psycopg.Connection,
) -> None:
    """As teams of the first schema; what no version of ours wrote is told, and no end of a list."""
    connection.execute("UPDATE teams SET policy_rules = NULL")
    team = teams.find_team(connection, "acme")
    assert (team.policy_rules, teams.policy_of(team)) == ("", load_policy("default"))
    assert not teams.has_changed_policy(team)
    connection.execute("""UPDATE teams SET policy_rules = '{"name": "default", "magic": 1}'""")
    team = teams.find_team(connection, "acme")
    assert teams.has_changed_policy(team)
    with pytest.raises(ContractError, match=r"in effect for team 'acme' is not a policy:\n  magic"):
        teams.policy_of(team)


def test_a_new_team_of_an_import_gets_its_policy(connection: psycopg.Connection) -> None:
    """A dry run tells of the same team."""
    draft = teams.ensure_team(
        connection, "Beta", None, may_add=True, is_dry_run=True, policy="per_niche"
    )
    teams.ensure_team(connection, "Beta", None, may_add=True, is_dry_run=False, policy="per_niche")
    assert teams.find_team(connection, "Beta") == draft
    with pytest.raises(WrongCallError, match="Unknown policy 'nope'"):
        teams.draft_team("Gamma", policy="nope")


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
