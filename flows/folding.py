"""Staged rows -> Postgres: under the team's lock fetch, plan and apply, in one transaction."""

import random
import time
from contextlib import closing
from pathlib import Path

import psycopg

from contracts.errors import DatabaseUnavailableError, StalePlanError
from contracts.source import load_source
from flows import ledger, stored, warehouse
from flows.apply import apply
from flows.jobs import Job, Outcome, Progress
from flows.landing import Batch
from flows.settings import Settings
from flows.staging import is_staged_from, open_work_file, stage_changed
from transforms.dedupe import fold_statements
from transforms.plan import Plan, compare_leads, make_plan
from transforms.relations import Work
from transforms.resolve import collect_claims, resolve
from transforms.survive import survive

MAX_TRIES = 5
_BACKOFF_SECONDS = 0.2

# What a writer outside Leadfold, or a lost connection, can do to a plan. None of it lasts.
_PLAN_AGAIN = (StalePlanError, psycopg.errors.UniqueViolation, psycopg.OperationalError)


def fold(
    job: Job, batch: Batch, work_file: Path, settings: Settings, progress: Progress
) -> Outcome:
    """Plan against what Postgres holds now, and apply. Safe to retry: a replay writes nothing.

    Raises:
        DatabaseUnavailableError: Postgres does not answer, or others kept changing the rows.
    """
    with closing(open_work_file(work_file, settings.memory_limit)) as work:
        for attempt in range(1, MAX_TRIES + 1):
            try:
                with closing(warehouse.connect(settings, job.import_id)) as connection:
                    return _fold_once(job, batch, work, connection, settings, progress)
            except _PLAN_AGAIN as error:
                if attempt == MAX_TRIES:
                    raise DatabaseUnavailableError(
                        f"Nothing was written: {MAX_TRIES} tries failed, the last one because: "
                        f"{warehouse.first_line(error)}\nImport the file again."
                    ) from error
                # Full jitter, so that those who met do not meet again.
                time.sleep(random.uniform(0, _BACKOFF_SECONDS * 2**attempt))
    raise AssertionError("unreachable: the last try returns or raises")


def _fold_once(
    job: Job,
    batch: Batch,
    work: Work,
    connection: psycopg.Connection,
    settings: Settings,
    progress: Progress,
) -> Outcome:
    if not job.is_dry_run:
        # A COMMIT whose answer was lost may have gone through.
        entry = ledger.find_import(connection, job.import_id)
        if entry.status == "done":
            return Outcome.of_entry(entry)
    with warehouse.team_locked(connection, job.team.team_id, settings.lock_wait_seconds):
        seq = stored.change_seq(connection, job.team.team_id)
        if not is_staged_from(work, seq):
            stage_changed(work, connection, job, batch, settings.chunk_rows, progress)
        plan = _plan(job, work, connection)
        progress("plan", plan.counts.landed)
        if not job.is_dry_run:
            apply(connection, job.team.team_id, job.import_id, plan)
            progress("write", plan.counts.landed)
    return Outcome(
        job.import_id,
        job.team.team_id,
        job.source,
        job.path.name,
        "dry_run" if job.is_dry_run else "done",
        plan.counts,
        plan.match,
        plan.effects,
    )


def _plan(job: Job, work: Work, connection: psycopg.Connection) -> Plan:
    """Fetch what Postgres holds about this batch, and write down what differs."""
    team_id = job.team.team_id
    collect_claims(work, load_source(job.source).claim_space)
    stored.fetch_batch(connection, work, team_id, job.source_file)
    fold_statements(work)
    resolve(work, job.import_id)
    stored.fetch_personas(connection, work, team_id)
    compare_leads(work)
    survive(work, job.source, job.import_id)
    return make_plan(work, job.import_id, job.source, job.source_file)
