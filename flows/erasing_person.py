"""Who is to be erased: their rows, and the values that are theirs alone."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import polars as pl
import psycopg
from psycopg.rows import dict_row

from contracts.errors import WrongCallError
from contracts.registry import load_sources
from flows.erasing_queries import LEADS, OTHERS, SAID, Claim, parameters
from flows.teams import Team
from transforms.erased import RECORD, name_record
from transforms.normalize import compare_emails
from transforms.phones import normalize_phones
from transforms.traces import Traces, key_addresses

_MANY = 20


@dataclass(frozen=True)
class Person:
    """One person, as all tables tell of them.

    Attributes:
        team: Whose person.
        persona_ids: The persona, and those merged into it; none of somebody without one.
        lead_ids: Their leads, those that were undone too.
        own: Claims that nobody else states.
        shared: Claims that others state, too: those stay for the others.
        records: ``source_file`` and ``source_record_id`` of each lead.
        names: Names of the person, as words in lower case.
        full_name: As the golden record has it.
        emails: Addresses as they were written.
    """

    team: Team
    persona_ids: frozenset[str] = frozenset()
    lead_ids: frozenset[str] = frozenset()
    own: frozenset[Claim] = frozenset()
    shared: frozenset[Claim] = frozenset()
    records: frozenset[tuple[str, str]] = frozenset()
    names: frozenset[tuple[str, ...]] = frozenset()
    full_name: str = ""
    emails: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def traces(self) -> Traces:
        """By what the person is known in a text."""
        ids = {one for _, one in self.records}
        ids |= {one.value for one in self.own | self.shared if one.kind not in ("phone", "email")}
        return Traces(
            frozenset(value for kind, value in self.own if kind == "phone"),
            frozenset(value for kind, value in self.own if kind == "email"),
            self.persona_ids | self.lead_ids,
            frozenset(one for one in ids if "\x1f" not in one),
            self.names,
        )


def find_person(connection: psycopg.Connection, team: Team, subject: str) -> Person:
    """The person of a persona's id, an email or a phone.

    Somebody who has no persona (any more) is known by the email or phone alone.

    Raises:
        WrongCallError: It is none of these, there is no such persona, or several people have it.
    """
    subject = subject.strip()
    if subject.startswith("persona_"):
        return _collect(connection, team, [_find_persona(connection, team, subject)], ())
    claim = read_claim(subject, team.region)
    holders = [
        persona_id
        for (persona_id,) in connection.execute(
            "SELECT persona_id FROM identities WHERE team_id = %s AND kind = %s AND value = %s"
            " ORDER BY persona_id",
            [team.team_id, *claim],
        )
    ]
    if not holders:
        holders = _list_stating(connection, team.team_id, claim)
        if holders:
            raise WrongCallError(
                f"'{subject}' is nobody's by itself; it stands in records of"
                f" {_listed(holders)}.\nName the person by that id."
            )
    if len(holders) > 1:
        raise WrongCallError(
            f"{len(holders)} people of team '{team.name}' share '{subject}': {_listed(holders)}.\n"
            "Name the person by that id; the others keep the value."
        )
    return _collect(connection, team, holders, (claim,))


def read_claim(subject: str, region: str) -> Claim:
    """An email or phone, as it is compared.

    Raises:
        WrongCallError: It is neither.
    """
    if "@" in subject:
        key = key_addresses([subject.lower()]).get(subject.lower())
        if key:
            return Claim("email", key)
    else:
        phone = normalize_phones(pl.Series([subject]), region)["e164"][0]
        if phone:
            return Claim("phone", phone)
    raise WrongCallError(
        f"'{subject}' is no persona's id, email or phone.\n"
        f"Write a phone with its country code (+1 415 555 2671), unless it is of {region}."
    )


def list_lines(connection: psycopg.Connection, person: Person) -> dict[str, set[int]]:
    """Hash of a landed file -> lines at which the database says that the person's records stand."""
    lines: dict[str, set[int]] = {}
    for digest, line_no in connection.execute(
        "SELECT i.file_hash, said.line_no FROM ("
        " SELECT import_id, line_no FROM leads"
        " WHERE team_id = %(team)s AND lead_id = ANY (%(leads)s)"
        " UNION SELECT import_id, line_no FROM lead_versions"
        " WHERE team_id = %(team)s AND lead_id = ANY (%(leads)s)) AS said"
        " JOIN imports AS i USING (import_id)"
        " WHERE i.file_hash IS NOT NULL AND said.line_no IS NOT NULL",
        {"team": person.team.team_id, "leads": sorted(person.lead_ids)},
    ):
        lines.setdefault(digest, set()).add(line_no)
    return lines


def list_hashes(person: Person) -> list[tuple[str, str]]:
    """What is to be known again: claims that were the person's alone, and records.

    A record id that a source gives may mean somebody else in another list of the same name, so it
    counts only where nothing else would tell; one that we made of the row's text always does.
    """
    claims = [(one.kind, one.value) for one in sorted(person.own) if "\x1f" not in one.value]
    records = [
        (RECORD, name_record(file, record))
        for file, record in sorted(person.records)
        if record.startswith("h1_") or not claims
    ]
    return claims + records


def _find_persona(connection: psycopg.Connection, team: Team, persona_id: str) -> str:
    (found,) = connection.execute(
        "SELECT coalesce(leadfold_find_persona(%(team)s, %(id)s), (SELECT persona_id"
        " FROM undone_leads WHERE team_id = %(team)s AND persona_id = %(id)s LIMIT 1))",
        {"team": team.team_id, "id": persona_id},
    ).fetchone() or (None,)
    if found is None:
        raise WrongCallError(
            f"There is no person '{persona_id}' in team '{team.name}'.\n"
            "If an erasure was cut off, erase the person's phone or email again."
        )
    return str(found)


def _list_stating(connection: psycopg.Connection, team_id: str, claim: Claim) -> list[str]:
    """Who states a value that is not theirs; statements that were all undone are nobody's."""
    found = connection.execute(OTHERS, parameters(team_id, [], [], {claim})).fetchall()
    stating = [persona_id for persona_id, kind, value in found if (kind, value) == claim]
    known = connection.execute(
        "SELECT persona_id FROM personas WHERE team_id = %s AND persona_id = ANY (%s)"
        " ORDER BY persona_id",
        [team_id, stating],
    )
    return [persona_id for (persona_id,) in known]


def _collect(
    connection: psycopg.Connection, team: Team, holders: list[str], said: Iterable[Claim]
) -> Person:
    """Gather a person's rows, and tell which values are nobody else's."""
    team_id = team.team_id
    persona_ids = {
        one
        for (one,) in connection.execute(
            'WITH RECURSIVE gone AS (SELECT unnest(%s::text[]) COLLATE "C" AS persona_id UNION'
            " SELECT p.persona_id FROM gone AS g JOIN personas AS p"
            " ON p.team_id = %s AND p.merged_into = g.persona_id) SELECT persona_id FROM gone",
            [holders, team_id],
        )
    }
    person = Person(team, frozenset(persona_ids))
    person = _with_leads(connection, person, set(said))
    # An import that was undone may have told more of the same person, or of nobody else.
    person = replace(person, persona_ids=person.persona_ids | _list_undone(connection, person))
    return _with_leads(connection, person, set(person.own))


def _list_undone(connection: psycopg.Connection, person: Person) -> frozenset[str]:
    """Personas of the person's undone leads who live no more."""
    found = connection.execute(
        "SELECT DISTINCT u.persona_id FROM undone_leads AS u"
        " WHERE u.team_id = %s AND u.lead_id = ANY (%s) AND NOT EXISTS (SELECT FROM personas AS p"
        " WHERE p.team_id = u.team_id AND p.persona_id = u.persona_id)",
        [person.team.team_id, sorted(person.lead_ids)],
    )
    return frozenset(persona_id for (persona_id,) in found)


def _with_leads(connection: psycopg.Connection, person: Person, said: set[Claim]) -> Person:
    team_id, persona_ids = person.team.team_id, sorted(person.persona_ids)
    found = connection.execute(LEADS, parameters(team_id, persona_ids, [], said)).fetchall()
    sources = {lead_id: source for lead_id, source, *_ in found}
    names: set[tuple[str, ...]] = set()
    emails: set[str] = set()
    claims = said | {
        Claim(kind, value)
        for kind, value in connection.execute(
            "SELECT kind, value FROM identities WHERE team_id = %s AND persona_id = ANY (%s)",
            [team_id, persona_ids],
        )
    }
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(SAID, {"team": team_id, "personas": persona_ids, "leads": list(sources)})
        for row in cursor:
            claims |= _claims_of(row, sources.get(row["lead_id"], ""))
            emails |= set(row["emails"])
            names |= _names_of(row)
    (full_name,) = connection.execute(
        "SELECT max(coalesce(full_name, nullif(concat_ws(' ', first_name, last_name), '')))"
        " FROM personas WHERE team_id = %s AND persona_id = ANY (%s) AND merged_into IS NULL",
        [team_id, persona_ids],
    ).fetchone() or (None,)
    others = connection.execute(
        OTHERS, parameters(team_id, persona_ids, list(sources), claims)
    ).fetchall()
    shared = {Claim(kind, value) for _, kind, value in others}
    return replace(
        person,
        lead_ids=frozenset(sources),
        own=frozenset(claims - shared),
        shared=frozenset(claims & shared),
        records=frozenset((file, record) for _, _, file, record in found),
        names=frozenset(names),
        full_name=full_name or "",
        emails=frozenset(emails),
    )


def _claims_of(row: dict[str, object], source: str) -> set[Claim]:
    phones, emails, listed = row["phones"], row["emails"], row["claims"] or []
    assert isinstance(phones, list)
    assert isinstance(emails, list)
    assert isinstance(listed, list)
    keys = compare_emails(pl.Series([emails], dtype=pl.List(pl.String)))[0]
    found = {Claim("phone", phone) for phone in phones}
    found |= {Claim("email", key) for key in keys if key}
    found |= {Claim(*claim.split("=", 1)) for claim in listed}
    known = load_sources().get(source)
    if row["crm_id"] and known:
        found.add(Claim(known.claim_space, str(row["crm_id"])))
    return found


def _names_of(row: dict[str, object]) -> set[tuple[str, ...]]:
    first, last, full = (str(row[one] or "") for one in ("first_name", "last_name", "full_name"))
    return {
        tuple(words)
        for said in (f"{first} {last}", full)
        if len(words := said.casefold().split()) > 1
    }


def _listed(persona_ids: list[str]) -> str:
    more = f" and {len(persona_ids) - _MANY} more" if len(persona_ids) > _MANY else ""
    return ", ".join(persona_ids[:_MANY]) + more
