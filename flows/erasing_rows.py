"""Takes one person out of every table of a team."""

from collections.abc import Iterator
from typing import LiteralString

import psycopg
from psycopg import sql

from flows.erasing_keyed import erase_keyed
from flows.erasing_person import Person
from flows.erasing_queries import Claim
from flows.teams import policy_of

Effects = dict[str, dict[str, int]]
"""Table -> action -> rows, as the ledger keeps them."""

# What goes as it is, in the order in which it goes. `quotes` stands for a text with one of the
# person's phones, emails or ids in it.
_DELETES: dict[str, LiteralString] = {
    # Whatever is listed with them: all of it is looked through.
    "identities": "t.persona_id IN (TABLE gone_personas)",
    "merge_candidates": "t.left_id IN (TABLE gone_personas) OR t.right_id IN (TABLE gone_personas)"
    " OR (t.left_id, t.right_id) IN (TABLE gone_claims)"
    " OR (t.judgement IS NULL AND t.guard <> 'shared_value' AND {quotes})",
    "opt_outs": "(t.kind, t.value) IN (TABLE gone_claims)"
    " OR t.kind = 'record' AND (t.source_file, t.value) IN (TABLE gone_records)",
    "lead_moves": "t.lead_id IN (TABLE gone_leads) OR t.from_persona_id IN (TABLE gone_personas)"
    " OR t.to_persona_id IN (TABLE gone_personas)",
    "identity_versions": "t.persona_id IN (TABLE gone_personas)"
    " OR (t.kind, t.value) IN (TABLE gone_claims)",
    "row_versions": "{quotes}"
    " OR (t.before->>'kind', t.before->>'value') IN (TABLE gone_claims)"
    " OR (t.before->>'source_file', t.before->>'value') IN (TABLE gone_records)",
    "persona_versions": "t.persona_id IN (TABLE gone_personas)",
    "lead_versions": "t.lead_id IN (TABLE gone_leads)",
    "undone_leads": "t.lead_id IN (TABLE gone_leads)",
    "leads": "t.lead_id IN (TABLE gone_leads)",
    "personas": "t.persona_id IN (TABLE gone_personas)",
}
_QUOTES: LiteralString = (
    "EXISTS (SELECT FROM gone_words AS w WHERE position(w.word IN lower(t::text)) > 0)"
)


def list_gone(connection: psycopg.Connection, person: Person) -> None:
    """Make the temp tables ``gone_<what>`` that the statements here join with."""
    claims = sorted(person.own)
    words = {one.value for one in person.own if one.kind in ("phone", "email")}
    words |= {*person.persona_ids, *person.lead_ids}
    words |= {address for address in person.emails if person.traces.is_in(address)}
    records = sorted(person.records)
    tables: dict[LiteralString, list[list[str]]] = {
        "gone_personas (persona_id)": [sorted(person.persona_ids)],
        "gone_leads (lead_id)": [sorted(person.lead_ids)],
        "gone_claims (kind, value)": [list(column) for column in zip(*claims, strict=True)],
        "gone_records (source_file, source_record_id)": [
            list(column) for column in zip(*records, strict=True)
        ],
        "gone_words (word)": [sorted({word.lower() for word in words})],
    }
    for name, columns in tables.items():
        arrays = columns or [[], []]
        connection.execute(
            sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT * FROM unnest({})").format(
                sql.SQL(name),
                sql.SQL(", ").join(sql.SQL("{}::text[]").format(one) for one in arrays),
            )
        )


def delete_rows(connection: psycopg.Connection, person: Person) -> Effects:
    """Delete what is the person's, and leave the values of others as their own."""
    effects: Effects = {}
    team_id = person.team.team_id
    _count(effects, "merge_candidates", "update", _forget_judged(connection, team_id))
    for table, which in _DELETES.items():
        done = connection.execute(
            sql.SQL("DELETE FROM {} AS t WHERE t.team_id = %s AND ({})").format(
                sql.Identifier(table), sql.SQL(which.replace("{quotes}", _QUOTES))
            ),
            [team_id],
        )
        _count(effects, table, "delete", done.rowcount)
    for table, action, rows in (
        *erase_keyed(connection, team_id, _QUOTES),
        *_give_back(connection, person),
    ):
        _count(effects, table, action, rows)
    return effects


def _forget_judged(connection: psycopg.Connection, team_id: str) -> int:
    """Judgements about others stay, but for the leads and the values that are the person's."""
    done = connection.execute(
        sql.SQL(
            "UPDATE merge_candidates AS t SET"
            " left_lead_ids = ARRAY(SELECT unnest(left_lead_ids) EXCEPT TABLE gone_leads),"
            " right_lead_ids = ARRAY(SELECT unnest(right_lead_ids) EXCEPT TABLE gone_leads),"
            " value = CASE WHEN {quotes} THEN '' ELSE value END,"
            " evidence = CASE WHEN {quotes} THEN '{{}}' ELSE evidence END"
            " WHERE team_id = %s AND judgement IS NOT NULL"
            " AND left_id NOT IN (TABLE gone_personas) AND right_id NOT IN (TABLE gone_personas)"
            " AND {quotes}"
        ).format(quotes=sql.SQL(_QUOTES)),
        [team_id],
    )
    return done.rowcount


def _give_back(connection: psycopg.Connection, person: Person) -> Iterator[tuple[str, str, int]]:
    """What several shared, and one is left who holds it, is that one's alone again."""
    policy = policy_of(person.team)
    single = {key[0] for key in policy.match if len(key) == 1}
    claims = [
        one
        for one in sorted(person.shared)
        if (one.kind if one.kind in ("phone", "email") else "crm_id") in single
    ]
    parameters = _of_claims(person, claims)
    alone = connection.execute(
        "UPDATE identities AS t SET is_exclusive = true FROM ("
        " SELECT kind, value FROM identities JOIN unnest(%(kinds)s::text[], %(values)s::text[])"
        " AS said (kind, value) USING (kind, value) WHERE team_id = %(team)s"
        " GROUP BY kind, value HAVING count(*) = 1) AS alone"
        " WHERE t.team_id = %(team)s AND (t.kind, t.value) = (alone.kind, alone.value)"
        " AND NOT t.is_exclusive",
        parameters,
    )
    yield "identities", "update", alone.rowcount
    phones = connection.execute(
        "UPDATE personas AS t SET is_phone_exclusive = true FROM identities AS i"
        " WHERE t.team_id = %(team)s AND i.team_id = t.team_id AND i.persona_id = t.persona_id"
        " AND i.kind = 'phone' AND i.value = t.phone AND i.is_exclusive"
        " AND NOT t.is_phone_exclusive AND t.phone = ANY (%(values)s) AND t.merged_into IS NULL",
        parameters,
    )
    yield "personas", "update", phones.rowcount
    yield from _recount(connection, _of_claims(person, sorted(person.shared)))


def _of_claims(person: Person, claims: list[Claim]) -> dict[str, object]:
    return {
        "team": person.team.team_id,
        "kinds": [one.kind for one in claims],
        "values": [one.value for one in claims],
    }


def _recount(
    connection: psycopg.Connection, parameters: dict[str, object]
) -> Iterator[tuple[str, str, int]]:
    """A shared value tells how many share it; of one that is nobody's or one's, nothing is told."""
    lone = connection.execute(
        "DELETE FROM merge_candidates AS t WHERE t.team_id = %(team)s AND t.guard = 'shared_value'"
        " AND (t.left_id, t.right_id) IN ("
        " SELECT * FROM unnest(%(kinds)s::text[], %(values)s::text[]))"
        " AND (SELECT count(*) FROM identities AS i WHERE i.team_id = t.team_id"
        " AND i.kind = t.left_id AND i.value = t.right_id) < 2",
        parameters,
    )
    yield "merge_candidates", "delete", lone.rowcount
    counted = connection.execute(
        "UPDATE merge_candidates AS t SET evidence = t.evidence || jsonb_build_object("
        " 'people', (SELECT count(*) FROM identities AS i WHERE i.team_id = t.team_id"
        " AND i.kind = t.left_id AND i.value = t.right_id),"
        " 'examples', (SELECT coalesce(jsonb_agg(one), '[]')"
        " FROM jsonb_array_elements_text(coalesce(nullif(t.evidence->'examples', 'null'), '[]'))"
        " AS one WHERE one NOT IN (TABLE gone_personas)))"
        " WHERE t.team_id = %(team)s AND t.guard = 'shared_value' AND (t.left_id, t.right_id) IN ("
        " SELECT * FROM unnest(%(kinds)s::text[], %(values)s::text[]))",
        parameters,
    )
    yield "merge_candidates", "update", counted.rowcount


def _count(effects: Effects, table: str, action: str, rows: int) -> None:
    if rows:
        actions = effects.setdefault(table, {})
        actions[action] = actions.get(action, 0) + rows
