"""Teams: whose people never meet those of another."""

import difflib
import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass

import psycopg
from psycopg.rows import kwargs_row

from contracts.errors import ContractError, WrongCallError
from contracts.policy import Policy
from contracts.registry import load_policies, load_policy, parse_policy


@dataclass(frozen=True)
class Team:
    """A team whose people never meet those of another.

    Attributes:
        policy: Name of its policy.
        policy_rules: What that policy said when it took effect, as JSON; empty: as its file says.
    """

    team_id: str
    name: str
    region: str
    policy: str
    policy_rules: str


def policy_of(team: Team) -> Policy:
    """The policy in effect. A file that changed since takes effect through a refold alone.

    Raises:
        ContractError: The rules that were stored are none that this version knows.
        WrongCallError: None are stored, and there is no policy of that name.
    """
    if not team.policy_rules:
        return load_policy(team.policy)
    return parse_policy(team.policy_rules, f"The policy in effect for team '{team.name}'")


def has_changed_policy(team: Team) -> bool:
    """Whether the file of the team's policy says something else than what is in effect.

    So it is, too, where there is no such file any more, or no reading what is in effect.
    """
    filed = load_policies().get(team.policy)
    try:
        return filed is None or not filed.agrees_with(policy_of(team))
    except ContractError:
        return True


def set_policy(connection: psycopg.Connection, team_id: str, policy: Policy) -> None:
    """Put a policy into effect for a team. What it has folded so far is not folded again here."""
    connection.execute(
        "UPDATE teams SET policy = %s, policy_rules = %s WHERE team_id = %s",
        [policy.name, _write_rules(policy), team_id],
    )


def note_policy(connection: psycopg.Connection, import_id: str, team_id: str) -> None:
    """Write down which policy an import is about to replace, for its undo."""
    connection.execute(
        "UPDATE imports SET policy_before = (SELECT jsonb_build_object('policy', policy,"
        " 'policy_rules', coalesce(policy_rules::text, '')) FROM teams WHERE team_id = %s)"
        " WHERE import_id = %s",
        [team_id, import_id],
    )


def restore_policy(
    connection: psycopg.Connection, team_id: str, policy: str, policy_rules: str
) -> None:
    """Put the policy into effect that an import had replaced."""
    connection.execute(
        "UPDATE teams SET policy = %s, policy_rules = %s WHERE team_id = %s",
        [policy, policy_rules or None, team_id],
    )


def draft_team(name: str, region: str = "US", policy: str = "default") -> Team:
    """A team as it would be, in memory only. Its id is made from its name, for keys and folders.

    Raises:
        WrongCallError: The name holds no letter or digit, or the region or policy is none.
    """
    name = name.strip()
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise WrongCallError(f"{name!r} cannot name a team: it holds a control character.")
    if not any(map(str.isalnum, name)):
        raise WrongCallError(f"'{name}' cannot name a team: it has no letter or digit.")
    rules = _write_rules(load_policy(policy))
    return Team(make_team_id(name), name, check_region(region), policy, rules)


def add_team(
    connection: psycopg.Connection, name: str, region: str = "US", policy: str = "default"
) -> Team:
    """Create a team. The policy is in effect as its file says now.

    Raises:
        WrongCallError: The name or its id is taken, or cannot be one, or the region or policy is
            none.
    """
    team = draft_team(name, region, policy)
    done = connection.execute(
        "INSERT INTO teams (team_id, name, region, policy, policy_rules)"
        " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        [team.team_id, team.name, team.region, team.policy, team.policy_rules],
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
    with connection.cursor(row_factory=kwargs_row(_read_team)) as cursor:
        query = "SELECT team_id, name, region, policy, policy_rules FROM teams ORDER BY name"
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
        f"To create it: leadfold teams add '{name}' (or import with --new-team)"
    )


def ensure_team(
    connection: psycopg.Connection,
    name: str,
    region: str | None,
    *,
    may_add: bool,
    is_dry_run: bool,
    policy: str = "default",
) -> Team | None:
    """See that a team is there, or add it. A dry run adds none: it gets the team as it would be.

    Args:
        connection: To the database.
        name: Name or id of the team.
        region: Of a new team; one that is there must be of this region, if it is given.
        may_add: Whether a team that is not there is added.
        is_dry_run: Whether nothing is to be written.
        policy: Of a new team; one that is there keeps its own.

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
        draft = draft_team(name, region or "US", policy)
        check_is_new(connection, draft)
        if is_dry_run:
            return draft
        add_team(connection, draft.name, draft.region, draft.policy)
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


def _write_rules(policy: Policy) -> str:
    return _sorted_json(policy.model_dump(mode="json"))


def _read_team(
    team_id: str, name: str, region: str, policy: str, policy_rules: dict[str, object] | None
) -> Team:
    return Team(team_id, name, region, policy, _sorted_json(policy_rules) if policy_rules else "")


def _sorted_json(rules: dict[str, object]) -> str:
    """One text for one policy: Postgres keeps the keys of jsonb in an order of its own."""
    return json.dumps(rules, sort_keys=True, ensure_ascii=False)
