"""Teams: whose people never meet those of another."""

import difflib
import hashlib
import re
import unicodedata
from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row

from contracts.errors import WrongCallError


@dataclass(frozen=True)
class Team:
    """A team whose people never meet those of another."""

    team_id: str
    name: str
    region: str
    policy: str


def draft_team(name: str, region: str = "US") -> Team:
    """A team as it would be, in memory only. Its id is made from its name, for keys and folders.

    Raises:
        WrongCallError: The name holds no letter or digit, or the region is none.
    """
    name = name.strip()
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise WrongCallError(f"{name!r} cannot name a team: it holds a control character.")
    if not any(map(str.isalnum, name)):
        raise WrongCallError(f"'{name}' cannot name a team: it has no letter or digit.")
    return Team(make_team_id(name), name, check_region(region), "default")


def add_team(connection: psycopg.Connection, name: str, region: str = "US") -> Team:
    """Create a team.

    Raises:
        WrongCallError: The name or its id is taken, or cannot be one, or the region is none.
    """
    team = draft_team(name, region)
    done = connection.execute(
        "INSERT INTO teams (team_id, name, region) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        [team.team_id, team.name, team.region],
    )
    if done.rowcount == 0:
        check_is_new(connection, team)
    return team


def check_is_new(connection: psycopg.Connection, team: Team) -> None:
    """Raise WrongCallError if there is a team of that name or id."""
    for known in list_teams(connection):
        if known.name == team.name:
            raise WrongCallError(f"There is a team '{known.name}' (id {known.team_id}) already.")
        if known.team_id == team.team_id:
            raise WrongCallError(
                f"There is a team '{known.name}' already, and '{team.name}' would have the same"
                f" id, {known.team_id}.\nUse that team, or choose a name with other letters."
            )


def list_teams(connection: psycopg.Connection) -> list[Team]:
    """All teams, by name."""
    with connection.cursor(row_factory=class_row(Team)) as cursor:
        query = "SELECT team_id, name, region, policy FROM teams ORDER BY name"
        return cursor.execute(query).fetchall()


def find_team(connection: psycopg.Connection, name: str) -> Team:
    """The team of that name or id.

    Raises:
        WrongCallError: There is none; the message names the nearest and says how to add one.
    """
    teams = list_teams(connection)
    for team in teams:
        if name.strip() in (team.name, team.team_id):
            return team
    known = {
        spelling.casefold(): team.name for team in teams for spelling in (team.name, team.team_id)
    }
    matches = difflib.get_close_matches(name.casefold(), known, n=4)
    near = dict.fromkeys(known[match] for match in matches)
    if near:
        hint = " Did you mean " + " or ".join(f"'{spelling}'" for spelling in near) + "?"
    elif teams:
        hint = " Teams: " + ", ".join(team.name for team in teams[:10]) + "."
    else:
        hint = " There are no teams yet."
    raise WrongCallError(
        f"Unknown team '{name}'.{hint}\n"
        f"To create it, add --new-team, or: leadfold teams add '{name}'"
    )


def ensure_team(
    connection: psycopg.Connection,
    name: str,
    region: str | None,
    *,
    may_add: bool,
    is_dry_run: bool,
) -> Team | None:
    """See that a team is there, or add it. A dry run adds none: it gets the team as it would be.

    Args:
        connection: To the database.
        name: Name or id of the team.
        region: Of a new team; one that is there must be of this region, if it is given.
        may_add: Whether a team that is not there is added.
        is_dry_run: Whether nothing is to be written.

    Returns:
        For a dry run, the team that is not there yet.

    Raises:
        WrongCallError: It is not there and may not be added, or is of another region.
    """
    try:
        team = find_team(connection, name)
    except WrongCallError:
        if not may_add:
            raise
        draft = draft_team(name, region or "US")
        check_is_new(connection, draft)
        if is_dry_run:
            return draft
        add_team(connection, draft.name, draft.region)
        return None
    if region and check_region(region) != team.region:
        raise WrongCallError(
            f"Team '{team.name}' is of region {team.region}, not {region.upper()}.\n"
            "Leave --region out: it is only for new teams."
        )
    return None


def check_region(region: str) -> str:
    """A region in capitals, if phone numbers can be read as those of it.

    Raises:
        WrongCallError: There is none of that code; the message names the country's, if it is one.
    """
    import phonenumbers

    code = region.strip().upper()
    if code in phonenumbers.SUPPORTED_REGIONS:
        return code
    # Its tables are only wanted where somebody wrote something else.
    import polars as pl

    from transforms.places import normalize_countries

    country = normalize_countries(pl.Series([region]))["value"][0]
    remedy = f"For '{region}' write {country}." if country else "Write US, GB or DE, for example."
    raise WrongCallError(
        f"There is no region '{region}'. A region is the two letters of a country (ISO 3166).\n"
        f"{remedy}"
    )


def make_team_id(name: str) -> str:
    """The name in a-z, 0-9 and ``_``, with a mark of its own where that loses some of it."""
    plain = unicodedata.normalize("NFKD", name)
    folded = plain.encode("ascii", "ignore").decode().lower()
    team_id = "_".join(re.findall("[a-z0-9]+", folded))
    lost = [each for each in plain if each.isalnum() and not each.isascii()]
    if team_id and not lost and len(team_id) <= 63:  # the schema takes no longer one
        return team_id
    mark = hashlib.sha256(unicodedata.normalize("NFKC", name).casefold().encode()).hexdigest()[:6]
    return f"{team_id[:56].rstrip('_') or 'team'}_{mark}"
