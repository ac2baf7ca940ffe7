"""What Postgres holds of a team, without ids and times: to compare, and to check by oracles."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from contracts.registry import load_sources
from tests.worlds import Claim, OptOut

Record = dict[str, Any]
Key = tuple[str, str]
"""``source_file`` and ``source_record_id`` of a lead."""

BOOKKEEPING = {"team_id", "lead_id", "persona_id", "import_id", "merged_into", "line_no"} | {
    "created_at",
    "updated_at",
}
"""Ids and times: what differs between two ways to the same state."""

_OLDEST = datetime.min.replace(tzinfo=UTC)


@dataclass
class Person:
    """A persona that is not merged away, with its leads and claims."""

    golden: Record
    leads: list[Record] = field(default_factory=list)
    identities: dict[Claim, bool] = field(default_factory=dict)

    @property
    def live_leads(self) -> list[Record]:
        """Those that the source has not deleted."""
        return [lead for lead in self.leads if not lead["is_deleted"]]

    @property
    def keys(self) -> frozenset[Key]:
        """Which records are about the person."""
        return frozenset((lead["source_file"], lead["source_record_id"]) for lead in self.leads)


def fetch(connection: psycopg.Connection, query: str, *values: object) -> list[Record]:
    """Rows as dictionaries."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, values).fetchall()


def people(connection: psycopg.Connection, team: str = "acme") -> list[Person]:
    """Everybody in a team, the oldest first."""
    found = {
        golden["persona_id"]: Person(golden)
        for golden in fetch(
            connection,
            "SELECT * FROM personas WHERE team_id = %s AND merged_into IS NULL ORDER BY persona_id",
            team,
        )
    }
    leads = "SELECT * FROM leads WHERE team_id = %s ORDER BY source_file, source_record_id"
    for lead in fetch(connection, leads, team):
        assert lead["persona_id"] in found, "a lead's persona is missing, or was merged away"
        found[lead["persona_id"]].leads.append(lead)
    for claim in fetch(connection, "SELECT * FROM identities WHERE team_id = %s", team):
        assert claim["persona_id"] in found, "a claim's persona is missing, or was merged away"
        held = found[claim["persona_id"]].identities
        assert (claim["kind"], claim["value"]) not in held, "a claim is held alone and shared"
        held[claim["kind"], claim["value"]] = claim["is_exclusive"]
    for person in found.values():
        held = {f"{kind}={value}": alone for (kind, value), alone in person.identities.items()}
        assert sorted(person.golden.pop("claims")) == sorted(held), "claims are not listed"
        shared = sorted(claim for claim, is_exclusive in held.items() if not is_exclusive)
        assert sorted(person.golden.pop("shared_claims") or []) == shared, "nor who shares them"
    return list(found.values())


def plain(record: Record, *but: str) -> str:
    """A record as text, without bookkeeping. Times of edits fall away, edited fields stay."""
    said = {k: v for k, v in record.items() if k not in BOOKKEEPING and k not in but}
    if said.get("edited_fields"):
        said["edited_fields"] = sorted(said["edited_fields"])
    return json.dumps(said, sort_keys=True, default=str)


def content(connection: psycopg.Connection, team: str = "acme") -> Record:
    """All that an import leaves, in a form that two ways to the same state share."""
    everybody = people(connection, team)
    names = {person.golden["persona_id"]: sorted(person.keys) for person in everybody}
    return {
        "people": sorted(
            (
                sorted(plain(lead) for lead in person.leads),
                plain(person.golden),
                sorted((*claim, is_exclusive) for claim, is_exclusive in person.identities.items()),
            )
            for person in everybody
        ),
        "opt_outs": sorted(
            plain(row)
            for row in fetch(connection, "SELECT * FROM opt_outs WHERE team_id = %s", team)
        ),
        "candidates": sorted(
            (
                sorted(str(names.get(row[side], row[side])) for side in ("left_id", "right_id")),
                *(str(row[name]) for name in ("guard", "kind", "value", "judgement")),
            )
            for row in fetch(connection, "SELECT * FROM merge_candidates WHERE team_id = %s", team)
        ),
    }


def opt_outs(connection: psycopg.Connection, team: str = "acme") -> set[OptOut]:
    """Who opted out of what."""
    query = "SELECT kind, value, channel FROM opt_outs WHERE team_id = %s"
    return set(connection.execute(query, [team]).fetchall())


def check_claims(connection: psycopg.Connection, team: str = "acme") -> None:
    """One exclusive claim, one persona; and no claim of a live lead is lost without a word."""
    everybody = people(connection, team)
    holders: dict[Claim, list[bool]] = defaultdict(list)
    for person in everybody:
        for claim, is_exclusive in person.identities.items():
            holders[claim].append(is_exclusive)
    for claim, marks in holders.items():
        assert not any(marks) or len(marks) == 1, f"{claim} identifies one of several who hold it"
    phones = Counter(
        person.golden["phone"]
        for person in everybody
        if person.golden["phone"] and person.golden["is_phone_exclusive"]
    )
    assert all(count == 1 for count in phones.values()), f"one phone, two people: {phones}"
    taken = {
        bytes(row["raw"]).decode()
        for row in fetch(
            connection,
            "SELECT raw FROM import_issues WHERE team_id = %s AND code = 'claim_taken'",
            team,
        )
    }
    for person in everybody:
        golden = person.golden
        for lead in person.live_leads:
            for claim in claims_of(lead):
                assert claim in person.identities or claim[1] in taken, f"{claim} was lost"
        spaces = {source.claim_space for source in load_sources().values()}
        assert not golden["crm_id"] or any(
            (space, golden["crm_id"]) in person.identities for space in spaces
        ), f"golden CRM id {golden['crm_id']} is not the person's"
        for kind in ("phone", "email"):
            value = (golden[kind] or "").lower()
            assert not value or (kind, value) in person.identities, f"golden {kind} {value}"
        if golden["phone"]:
            is_exclusive = person.identities["phone", golden["phone"]]
            assert golden["is_phone_exclusive"] == is_exclusive, golden["phone"]


def claims_of(lead: Record) -> set[Claim]:
    """What identifies a lead's person, also what superseded rows said."""
    space = load_sources()[lead["source"]].claim_space
    found = {("phone", number) for number in lead["phones"]}
    found |= {("email", address.lower()) for address in lead["emails"]}
    found |= {(space, lead["crm_id"])} if lead["crm_id"] else set()
    for claim in lead["claims"] or ():
        kind, _, value = claim.partition("=")
        found.add((kind, value))
    return found


def golden_texts(person: Person) -> list[str]:
    """The fields that a persona takes over as they are."""
    lead = person.leads[0] if person.leads else {}
    others = BOOKKEEPING | {"crm_id", "tags", "edited_fields"}
    return [name for name in person.golden if name in lead and name not in others]


def golden_oracle(person: Person) -> Record:
    """The golden record, anew, in ten lines: field by field the newest lead that states it."""
    sources = load_sources()

    def age(lead: Record, name: str) -> tuple[object, ...]:
        clocks = lead["field_clocks"] or {}
        said = clocks[name] and datetime.fromisoformat(clocks[name]) if name in clocks else None
        clock = said if name in clocks else lead["clock"]
        place = (lead["import_id"], lead["source"], lead["source_file"], lead["source_record_id"])
        return (clock is not None, clock or _OLDEST, sources[lead["source"]].trust, *place)

    found: Record = dict.fromkeys([*golden_texts(person), "phone", "email", "crm_id"])
    stated = {"phone": "phones", "email": "emails"}
    for name in found:
        for lead in sorted(person.live_leads, key=lambda lead: age(lead, stated.get(name, name))):
            values = lead[stated[name]] if name in stated else [lead[name]] if lead[name] else []
            if name in (*stated, "crm_id"):
                kind = name if name in stated else sources[lead["source"]].claim_space
                values = [v for v in values if (kind, _key(name, v)) in person.identities]
            found[name] = values[0] if values else found[name]
    return found


def _key(name: str, value: str) -> str:
    return value.lower() if name == "email" else value


def check_golden(person: Person) -> None:
    """The golden record is what the oracle says, but for what was edited by hand."""
    if person.golden["is_ended"] or not person.live_leads:
        return  # keeps its last golden record
    edited = person.golden["edited_fields"] or {}
    expected = {k: v for k, v in golden_oracle(person).items() if k not in edited}
    for name in ("phone", "email", "crm_id"):
        # Where no lead states one that the person holds, one of an earlier statement may stay.
        if expected.get(name, "") is None:
            del expected[name]
    assert {name: person.golden[name] for name in expected} == expected
