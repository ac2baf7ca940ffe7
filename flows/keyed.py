"""What an import does to keyed tables: each in turn, after people, against what Postgres holds."""

from datetime import UTC, datetime
from typing import NamedTuple

import polars as pl
import psycopg

from contracts.board_rules import BoardRules
from contracts.keyed import KeyedTable
from contracts.policy import Policy
from contracts.registry import load_tables
from flows.acts import Act
from flows.jobs import Job
from flows.keyed_references import resolve
from flows.keyed_stored import fetch_rows
from flows.landing import Batch
from flows.staged_rows import place_rejects
from flows.trying import Try
from transforms import keyed
from transforms.boards import TABLE, name_boards, note_rules, say_boards
from transforms.plan import Plan, add_keyed
from transforms.relations import Work, append
from transforms.scores import CARDS, say_scores, score_people


def place_leads(
    job: Job,
    work: Work,
    connection: psycopg.Connection,
    rules: BoardRules,
    *,
    is_locking: bool = False,
) -> None:
    """Plan the boards that the team's rules name, before its leads are put on them.

    Args:
        job: The import.
        work: With the rows of the file.
        connection: In the transaction that holds the team's lock.
        rules: The team's.
        is_locking: As for ``plan_keyed``.
    """
    keyed.begin(work)
    note_rules(work, rules)
    if rules.boards and job.contract.entity != TABLE:
        say_boards(work, rules)
        _plan_table(_about(job), work, connection, load_tables()[TABLE], is_locking=is_locking)
        name_boards(work)


def has_keyed(job: Job) -> bool:
    """Whether an import may write to keyed tables, but for the boards of the team's rules."""
    return bool(job.contract.tables or job.policy.score or not job.contract.is_about_people)


def plan_keyed(
    job: Job,
    batch: Batch,
    work: Work,
    connection: psycopg.Connection,
    plan: Plan,
    *,
    is_locking: bool = False,
) -> Plan:
    """Add to a plan what the file says of keyed tables, after ``place_leads``.

    Args:
        job: The import.
        batch: The landed file, of which rejects quote the rows.
        work: With all that was planned of people.
        connection: In the transaction that holds the team's lock.
        plan: What is planned of people.
        is_locking: Whether to keep everybody else from changing these rows meanwhile.
    """
    source = job.contract
    said = keyed.list_said(work)
    score = job.policy.score if source.entity != CARDS else None
    if source.tables or score:
        keyed.list_line_people(work)
    if score:
        score_people(work, score, job.landed_at)
        say_scores(work)
        said.add(CARDS)
    for name, table in load_tables().items():
        if name in said:
            _plan_table(
                *(_about(job), work, connection, table),
                is_entity=name == source.entity,
                is_locking=is_locking,
            )
            if name == source.entity:
                refused = keyed.list_refused(work)
                append(work, "late_rejects", place_rejects(work, batch, refused, pl.col("code")))
    planned = keyed.count_rows(work)
    if not said and not planned and source.is_about_people:
        return plan
    entity = "" if source.is_about_people else source.entity
    return add_keyed(work, plan, planned, entity)


def score_anew(act: Act, policy: Policy, work: Work, attempt: Try, plan: Plan) -> Plan:
    """Add to the plan of an import without a file how the people that it is about score now."""
    if not policy.score:
        return plan
    keyed.begin(work)
    keyed.list_line_people(work)
    score_people(work, policy.score, datetime.now(UTC))
    say_scores(work)
    about = _Import(act.import_id, act.team_id, act.cause)
    cards = load_tables()[CARDS]
    _plan_table(about, work, attempt.connection, cards, is_locking=attempt.is_last)
    return add_keyed(work, plan, keyed.count_rows(work))


class _Import(NamedTuple):
    import_id: str
    team_id: str
    source_file: str


def _about(job: Job) -> _Import:
    return _Import(job.import_id, job.team.team_id, job.source_file)


def _plan_table(
    about: _Import,
    work: Work,
    connection: psycopg.Connection,
    table: KeyedTable,
    *,
    is_locking: bool,
    is_entity: bool = False,
) -> None:
    keyed.take_said(work, table, is_entity=is_entity)
    for name, reference in table.references():
        resolve(connection, work, about.team_id, about.source_file, name, reference)
    keyed.key_rows(work)
    fetch_rows(connection, work, table, about.team_id, about.source_file, is_locking=is_locking)
    keyed.fold_rows(work, table, about.import_id)
    keyed.plan_rows(work, table)
    keyed.tell_unknown(work)
