"""Staged rows -> Postgres: under the team's lock fetch, plan and apply, in one transaction."""

from dataclasses import replace

import duckdb
import polars as pl
import psycopg

from contracts.board_rules import BoardRules
from contracts.errors import LeadfoldError, ReusedFileNameError, SnapshotShrunkError
from contracts.keyed import LEADS, PERSONAS
from contracts.policy import Policy
from contracts.registry import load_tables
from contracts.source import Source
from flows import ledger, stored, warehouse
from flows.ahead import Ahead
from flows.apply import analyze_grown, apply
from flows.board_rules import load_board_rules
from flows.erased_rows import list_erased_lines
from flows.erasing_files import clean_landed
from flows.fingerprints import change_seq
from flows.jobs import Job, Outcome, Progress
from flows.keyed import has_keyed, place_leads, plan_keyed
from flows.known_files import count_again
from flows.landing import Batch
from flows.plan_files import tell_plan
from flows.settings import Settings
from flows.staged_rows import place_rejects
from flows.staging import SAME_AS, is_known_by_rows, is_staged_from, stage_changed
from flows.trying import Try, try_until_applied
from flows.wanted import list_records
from flows.work_database import may_fit_on_disk
from transforms.boards import count_assigned
from transforms.dedupe import count_agreeing_ids, digest_records, fold_statements
from transforms.facts import Facts, note_facts
from transforms.holding import hold_claims, pair_candidates, say_claims
from transforms.lone import set_lone_aside
from transforms.plan import (
    Plan,
    compare_leads,
    find_repeated,
    give_up_steps,
    list_unknown,
    make_plan,
)
from transforms.relations import Work, append, ask_value
from transforms.resolve import collect_claims, resolve
from transforms.survive import survive
from transforms.work_tables import empty, recall

# Fewer ids that changed their people are no evidence of another list.
_DISAGREEING_IDS = 10


def fold(job: Job, batch: Batch, work: Work, settings: Settings, progress: Progress) -> Outcome:
    """Plan against what Postgres holds now, and apply. Safe to retry: a replay writes nothing.

    Raises:
        DatabaseUnavailableError: Postgres does not answer, or others kept changing the rows.
    """
    is_read_again = False
    try:
        outcome = try_until_applied(
            settings,
            job.import_id,
            lambda attempt: _fold_once(job, batch, work, attempt, settings, progress),
        )
    except duckdb.OutOfMemoryException as error:
        is_read_again = may_fit_on_disk(settings.work / job.import_id, error)
        raise
    finally:
        # The landed copy is another file then.
        remark = "" if is_read_again else _clean_landed(work, job, batch, settings)
    told = (outcome.reason, remark, recall(work, "would_be_held"))
    outcome = replace(outcome, reason=" ".join(filter(None, told)))
    # What was committed is not to fail any more, nor is anybody to wait for a report.
    return tell_plan(job, work, outcome)


def _clean_landed(work: Work, job: Job, batch: Batch, settings: Settings) -> str:
    """Take rows of erased people out of the landed copy, now that nobody reads it any more.

    Returns:
        What people should know, if that did not succeed: the import itself is not to fail for it.
    """
    try:
        if lines := list_erased_lines(work):
            with warehouse.connected(settings, job.import_id) as connection:
                clean_landed(connection, job, batch, lines)
    except (LeadfoldError, psycopg.Error, duckdb.Error, OSError):
        return f"{batch.path} could not be cleaned of people who were erased; delete it."
    return ""


def _fold_once(
    job: Job,
    batch: Batch,
    work: Work,
    attempt: Try,
    settings: Settings,
    progress: Progress,
) -> Outcome:
    connection = attempt.connection
    if not job.is_dry_run:
        # A COMMIT whose answer was lost may have gone through.
        entry = ledger.find_import(connection, job.import_id)
        if entry.status == "done":
            return Outcome.of_entry(entry)
    with warehouse.team_locked(connection, job.team.team_id, settings.lock_wait_seconds):
        seq = change_seq(connection, job.team.team_id)
        if not is_staged_from(work, seq):
            stage_changed(work, connection, job, batch, settings, progress)
        rules = load_board_rules(settings, job.team)
        with Ahead(connection) as ahead:
            plan = _plan(job, batch, work, attempt, rules, ahead)
            progress("plan", plan.counts.landed)
            if not job.is_dry_run:
                if not job.plan_file:
                    give_up_steps(work)
                team_id, conflicts = job.team.team_id, attempt.conflicts
                apply(ahead.wait(), team_id, job.import_id, plan, conflicts, ahead.written)
                progress("write", plan.counts.landed)
    if not job.is_dry_run:
        analyze_grown(connection, job.team.team_id, plan.effects)
    return Outcome(
        job.import_id,
        job.team.team_id,
        job.source,
        job.file_name,
        "dry_run" if job.is_dry_run else "done",
        plan.counts,
        plan.match,
        plan.effects,
        plan.remark,
    )


def _plan(
    job: Job, batch: Batch, work: Work, attempt: Try, rules: BoardRules, ahead: Ahead
) -> Plan:
    """Fetch what Postgres holds about this batch, and write down what differs."""
    connection, is_last = attempt.connection, attempt.is_last
    source, policy = job.contract, job.policy
    if source.people == "referred":
        # Who is only named is left as they are.
        policy = policy.model_copy(update={"on_duplicate": "skip"})
    facts = Facts(
        job.import_id, source.name, job.source_file, source.claim_space, source.is_webhook
    )
    note_facts(work, facts, policy)
    collect_claims(work, policy)
    stored.fetch_stored(
        connection,
        work,
        job.team.team_id,
        job.source_file,
        source,
        shared_after=policy.shared_after,
        is_locking=is_last,
    )
    if recall(work, "has_other_rules") == "yes":
        stored.fetch_versions(connection, work)
    if source.source_file == "file" and "name_reused" not in job.accepted and not job.corrects:
        _check_same_list(job, work)
    missing, remark = _check_snapshot(job, source, policy, work, connection)
    place_leads(job, work, connection, rules, is_locking=is_last)
    set_lone_aside(work)
    # Keyed rows may refer to people and leads that Postgres holds, and are to find no others.
    if not job.is_dry_run and not has_keyed(job):
        ahead.begin(work, job.team.team_id, job.import_id)
    fold_statements(work)
    resolve(work, policy)
    compare_leads(work)
    empty(work, "late_rejects")
    if source.is_about_people or _names_people(source):
        unknown = list_unknown(work)
        append(work, "late_rejects", place_rejects(work, batch, unknown, pl.lit("person_unknown")))
    _know_repeated(job, work, ahead)
    say_claims(work)
    hold_claims(work)
    pair_candidates(work)
    survive(work)
    plan = make_plan(work, job.import_id)
    plan = plan_keyed(job, batch, work, ahead.wait(), plan, is_locking=is_last)
    assigned = count_assigned(work) if rules.boards else {}
    plan = replace(plan, records_missing=missing, remark=remark, assigned=assigned)
    if same := recall(work, SAME_AS):
        # Of its rows nothing is here to be counted.
        first = ledger.find_import(ahead.wait(), same)
        plan = replace(plan, counts=count_again(first.counts))
    if is_known_by_rows(job):
        plan = replace(plan, records_digest=digest_records(work))
    return plan


def _names_people(source: Source) -> bool:
    """Whether the rows of the table that a file is about refer to people."""
    references = load_tables()[source.entity].references()
    return any(reference.to in (PERSONAS, LEADS) for _, reference in references)


def _know_repeated(job: Job, work: Work, ahead: Ahead) -> None:
    """Tell which statements are stored already; of leads that stay there may be several."""
    several = (
        "(select distinct source_record_id from stored_leads"
        " semi join (from lead_changes where action = 'unchanged') using (source_record_id)"
        " where is_in_batch and has_versions)"
    )
    if (
        recall(work, "has_other_rules") != "yes"
        and ask_value(work, f"select count(*) from {several}")  # noqa: S608
    ):
        list_records(ahead.wait(), work, several, job.team.team_id, job.source_file)
        stored.fetch_versions(ahead.wait(), work)
    find_repeated(work)


def _check_snapshot(
    job: Job, source: Source, policy: Policy, work: Work, connection: psycopg.Connection
) -> tuple[int, str]:
    """How many records a snapshot lacks; none of them ends if that cannot be told for sure.

    Raises:
        SnapshotShrunkError: They are more than the policy lets vanish at once.
    """
    if source.mode != "snapshot":
        return 0, ""
    missing = ask_value(work, "select count(*) as missing from missing_leads")
    unread = ask_value(
        work,
        "select count(distinct line_no) as unread from issues anti join landed using (line_no)"
        " where severity = 'reject' and code not in ('not_a_record', 'test_row')",
    )
    if missing and unread:
        empty(work, "missing_leads")
        empty(work, "still_missing")
        return missing, (
            f"{missing:,} records are missing from this snapshot, but none was ended:"
            f" {unread:,} rows could not be read and may be theirs."
        )
    live = stored.count_live_leads(connection, job.team.team_id, job.source_file)
    if missing > policy.max_delete_rate * live:
        raise SnapshotShrunkError(
            f"{job.file_name}: {missing:,} of the {live:,} records of this feed are missing from"
            f" the snapshot; the policy lets {policy.max_delete_rate:.0%} vanish at once.\n"
            "If the file is whole, raise max_delete_rate in the team's policy and import it again."
        )
    return missing, ""


def _check_same_list(job: Job, work: Work) -> None:
    """Hold a one-off list that has the name of another: its ids would mix up their people."""
    common, agreeing = count_agreeing_ids(work)
    if common - agreeing >= _DISAGREEING_IDS and 2 * agreeing < common:
        raise ReusedFileNameError(
            f"{job.file_name}: a list of this name was imported before, and of the {common:,} "
            f"record ids in common only {agreeing:,} have a phone, email or CRM id in common too.\n"
            "If it is another list, give the file another name and import it again."
        )
