"""Who is meant: a persona by its id or the end of it, a phone, an email, or an id of a source."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl
import psycopg

from contracts.errors import WrongCallError
from contracts.registry import load_sources
from flows.teams import Team, find_team, list_teams
from transforms.emails import key_emails, normalize_emails
from transforms.phones import normalize_phones
from transforms.record_ids import extend_salesforce_id

_SHORTEST_END = 4
_MOST_CHOICES = 10


@dataclass(frozen=True)
class Found:
    """A person who was looked for.

    Attributes:
        persona_id: Who it is by now.
        asked_id: The id that was asked for, where that one was merged into another.
        label: By what an analyst knows the person again: name, phone, email.
    """

    team: Team
    persona_id: str
    label: str
    asked_id: str | None = None


def find_person(connection: psycopg.Connection, text: str, team_name: str | None) -> Found:
    """The one person whom a text means.

    Args:
        connection: Where to look.
        text: A persona id or the end of one (4 characters at least); the id of a record or lead; a
            CRM's id; an email; a phone in any spelling, read as the team's region reads it.
        team_name: In which team; None: in all.

    Raises:
        WrongCallError: Nobody is found, or several people are; the message lists them.
    """
    teams = [find_team(connection, team_name)] if team_name else list_teams(connection)
    found = [person for team in teams for person in find_people(connection, team, text.strip())]
    if len(found) == 1:
        return found[0]
    if found:
        raise WrongCallError(_choice(text, found))
    for team in teams:
        if undone := _find_undone(connection, team, text.strip()):
            raise WrongCallError(
                f"Nobody is '{text}' any more: only {undone[0]} had stated it, and is undone.\n"
                f"To have it again: leadfold undo {undone[1]}"
            )
    where = f"team '{teams[0].name}'" if team_name else "any team"
    raise WrongCallError(
        f"There is nobody in {where} whom '{text}' identifies.\n"
        "Give a persona id or its end, a phone, an email, or the id that a source's record has."
    )


def find_people(connection: psycopg.Connection, team: Team, text: str) -> list[Found]:
    """The people of a team whom a text may mean, the oldest first; each once.

    What is a whole id of ours means that one alone, whatever else looks alike.
    """
    for ids in _ways(connection, team, text):
        if ids:
            return _describe(connection, team, ids)
    return []


def _find_undone(connection: psycopg.Connection, team: Team, text: str) -> tuple[str, str] | None:
    """Which file alone had stated a person, and the undo that took it back."""
    kinds, values = _read_claims(team, text)
    emails = [value for kind, value in zip(kinds, values, strict=True) if kind == "email"]
    return connection.execute(
        "SELECT i.file_name, i.undone_by_import_id FROM undone_leads AS u"
        " JOIN lead_versions AS v USING (team_id, lead_id)"
        " JOIN imports AS i ON i.import_id = v.import_id AND i.undone_by_import_id IS NOT NULL"
        " WHERE u.team_id = %(team)s AND (u.persona_id = %(text)s OR u.lead_id = %(text)s"
        " OR u.source_record_id = %(text)s OR v.crm_id = %(text)s OR v.phones && %(values)s"
        " OR EXISTS (SELECT FROM unnest(v.emails) AS stated"
        " WHERE leadfold_email_key(stated) = ANY (%(emails)s)))"
        " ORDER BY i.commit_no DESC LIMIT 1",
        {"team": team.team_id, "text": text, "values": values, "emails": emails},
    ).fetchone()


def _ways(connection: psycopg.Connection, team: Team, text: str) -> Iterator[dict[str, str]]:
    """Persona id -> who it is by now, by each way of reading the text."""
    yield _resolve(connection, team, "SELECT %(text)s", text=text)
    yield _resolve(
        connection,
        team,
        "SELECT persona_id FROM leads WHERE team_id = %(team)s AND lead_id = %(text)s",
        text=text,
    )
    kinds, values = _read_claims(team, text)
    yield _resolve(
        connection,
        team,
        "SELECT i.persona_id FROM identities AS i"
        " JOIN unnest(%(kinds)s::text[], %(values)s::text[]) AS wanted (kind, value)"
        " USING (kind, value) WHERE i.team_id = %(team)s"
        " UNION SELECT persona_id FROM leads"
        " WHERE team_id = %(team)s AND source_record_id = ANY (%(values)s::text[])",
        kinds=kinds,
        values=values,
    )
    if len(text) >= _SHORTEST_END and re.fullmatch("[0-9A-Za-z_]+", text):
        yield _resolve(
            connection,
            team,
            "SELECT persona_id FROM personas WHERE team_id = %(team)s"
            " AND right(persona_id, length(%(text)s)) = %(text)s",
            text=text.upper(),
        )


def _resolve(
    connection: psycopg.Connection, team: Team, ids: str, **values: object
) -> dict[str, str]:
    query = (
        "SELECT wanted.id, leadfold_find_persona(%(team)s, wanted.id)"  # noqa: S608
        f" FROM ({ids}) AS wanted (id)"
        " WHERE leadfold_find_persona(%(team)s, wanted.id) IS NOT NULL ORDER BY 1"
    )
    found = connection.execute(query.encode(), {"team": team.team_id, **values})
    return dict(found.fetchall())


def _read_claims(team: Team, text: str) -> tuple[list[str], list[str]]:
    """The claims that a text may be, as ``identities`` spells them: kinds and values in step."""
    claims = {(source.claim_space, text) for source in load_sources().values()}
    for source in load_sources().values():
        if source.id_form == "salesforce" and len(text) == 15:
            extended = pl.select(extend_salesforce_id(pl.lit(text))).item()
            claims.add((source.claim_space, extended))
    cell = pl.Series([text], dtype=pl.String)
    if "@" in text:
        key = normalize_emails(cell)["key"][0] or key_emails(cell.str.to_lowercase())[0]
        claims |= {("email", key)} if key else set()
    elif phone := normalize_phones(cell, team.region)["e164"][0]:
        claims.add(("phone", phone))
    kinds, values = zip(*sorted(claims), strict=True)
    return list(kinds), list(values)


def _describe(connection: psycopg.Connection, team: Team, ids: dict[str, str]) -> list[Found]:
    rows = connection.execute(
        "SELECT persona_id, concat_ws(', ',"
        " coalesce(nullif(concat_ws(' ', first_name, last_name, suffix), ''), full_name,"
        " profile_name, company), phone, email)"
        " FROM personas WHERE team_id = %s AND persona_id = ANY (%s) ORDER BY persona_id",
        [team.team_id, sorted(set(ids.values()))],
    ).fetchall()
    merged = {now: asked for asked, now in ids.items() if asked != now}
    return [Found(team, each, label or each, merged.get(each)) for each, label in rows]


def _choice(text: str, found: Sequence[Found]) -> str:
    lines = [
        f"  {person.persona_id}  {person.label} (team {person.team.name})"
        for person in found[:_MOST_CHOICES]
    ]
    more = len(found) - _MOST_CHOICES
    lines += [f"  and {more:,} more"] if more > 0 else []
    start = f"'{text}' may be {len(found):,} people. Name one by its id, or the end of it:"
    return "\n".join((start, *lines))
