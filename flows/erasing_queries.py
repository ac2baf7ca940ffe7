"""The statements by which a person's rows and values are found."""

from collections.abc import Set
from typing import LiteralString, NamedTuple

from contracts.registry import load_sources


class Claim(NamedTuple):
    """A value that identifies somebody."""

    kind: str
    value: str


LEADS: LiteralString = """
SELECT lead_id, source, source_file, source_record_id FROM leads
WHERE team_id = %(team)s AND persona_id = ANY (%(personas)s)
UNION
SELECT u.lead_id, u.source, u.source_file, u.source_record_id FROM undone_leads AS u
WHERE u.team_id = %(team)s AND (u.persona_id = ANY (%(personas)s) OR EXISTS (
    SELECT FROM lead_versions AS v WHERE v.team_id = u.team_id AND v.lead_id = u.lead_id
    AND (v.phones && %(phones)s OR v.claims && %(claims)s OR EXISTS (
        SELECT FROM unnest(v.emails) AS stated WHERE leadfold_email_key(stated) = ANY (%(emails)s)
    ))
))
"""
SAID: LiteralString = """
SELECT lead_id, crm_id, phones, emails, claims, first_name, last_name, full_name
FROM leads WHERE team_id = %(team)s AND lead_id = ANY (%(leads)s)
UNION ALL
SELECT lead_id, crm_id, phones, emails, claims, first_name, last_name, full_name
FROM lead_versions WHERE team_id = %(team)s AND lead_id = ANY (%(leads)s)
UNION ALL
SELECT NULL, NULL, array_remove(ARRAY[phone], NULL), array_remove(ARRAY[email], NULL), NULL,
    first_name, last_name, full_name
FROM personas WHERE team_id = %(team)s AND persona_id = ANY (%(personas)s)
UNION ALL
SELECT NULL, NULL, array_remove(ARRAY[changes #>> '{phone,before}'], NULL),
    array_remove(ARRAY[changes #>> '{email,before}'], NULL), NULL, NULL, NULL, NULL
FROM persona_versions WHERE team_id = %(team)s AND persona_id = ANY (%(personas)s)
"""
# Who else states one of these claims; the email is looked at only where its domain stands.
OTHERS: LiteralString = """
SELECT persona_id, kind, value FROM identities
WHERE team_id = %(team)s AND NOT persona_id = ANY (%(personas)s)
    AND (kind, value) IN (SELECT * FROM unnest(%(kinds)s::text[], %(values)s::text[]))
UNION
SELECT persona_id, 'phone', phone FROM personas
WHERE team_id = %(team)s AND NOT persona_id = ANY (%(personas)s) AND phone = ANY (%(phones)s)
UNION
SELECT l.persona_id, said.kind, said.value FROM (
    SELECT lead_id, persona_id, source, crm_id, phones, emails, claims FROM leads
    WHERE team_id = %(team)s
    UNION ALL
    SELECT v.lead_id, o.persona_id, o.source, v.crm_id, v.phones, v.emails, v.claims
    FROM lead_versions AS v
    JOIN (SELECT lead_id, persona_id, source FROM leads WHERE team_id = %(team)s
        UNION ALL SELECT lead_id, persona_id, source FROM undone_leads
        WHERE team_id = %(team)s) AS o USING (lead_id)
    WHERE v.team_id = %(team)s
) AS l
CROSS JOIN LATERAL (
    SELECT 'phone' AS kind, unnest(l.phones) AS value
    UNION ALL SELECT 'email', leadfold_email_key(unnest(l.emails))
    UNION ALL SELECT split_part(claim, '=', 1), substr(claim, strpos(claim, '=') + 1)
        FROM unnest(l.claims) AS claim
    UNION ALL SELECT s.space, l.crm_id
        FROM unnest(%(sources)s::text[], %(spaces)s::text[]) AS s (source, space)
        WHERE s.source = l.source
) AS said
WHERE NOT l.lead_id = ANY (%(leads)s) AND NOT l.persona_id = ANY (%(personas)s)
    AND (l.phones && %(phones)s OR l.crm_id = ANY (%(values)s) OR l.claims && %(claims)s
        OR lower(l.emails::text) LIKE ANY (%(domains)s))
    AND (said.kind, said.value) IN (
        SELECT * FROM unnest(%(kinds)s::text[], %(values)s::text[])
    )
"""


def parameters(
    team_id: str, persona_ids: list[str], lead_ids: list[str], claims: Set[Claim]
) -> dict[str, object]:
    """What the statements here name: a person's ids, and the claims to look for."""
    spaces = {one.name: one.claim_space for one in load_sources().values()}
    listed = sorted(claims)
    domains = {f"%@{one.value.rpartition('@')[2]}%" for one in listed if one.kind == "email"}
    domains |= {"%@googlemail.com%"} if "%@gmail.com%" in domains else set()
    return {
        "team": team_id,
        "personas": persona_ids,
        "leads": lead_ids,
        "kinds": [one.kind for one in listed],
        "values": [one.value for one in listed],
        "phones": [one.value for one in listed if one.kind == "phone"],
        "emails": [one.value for one in listed if one.kind == "email"],
        "claims": [f"{one.kind}={one.value}" for one in listed],
        "domains": sorted(domains),
        "sources": list(spaces),
        "spaces": list(spaces.values()),
    }
