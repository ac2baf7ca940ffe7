"""Staged rows -> Postgres: under the team's lock fetch, plan and apply, in one transaction."""

import random
import time
from contextlib import closing
from pathlib import Path

import psycopg

from contracts.errors import (
    DatabaseUnavailableError,
    LeadfoldError,
    ReusedFileNameError,
    StalePlanError,
    TeamBusyError,
)
from contracts.registry import load_source
from flows import ledger, stored, warehouse
from flows.apply import apply
from flows.jobs import Job, Outcome, Progress
from flows.landing import Batch
from flows.settings import Settings
from flows.staging import is_staged_from, open_work_file, stage_changed
from transforms.dedupe import count_agreeing_ids, fold_statements
from transforms.plan import Plan, compare_leads, make_plan
from transforms.relations import Work
from transforms.resolve import collect_claims, resolve
from transforms.survive import survive

MAX_TRIES = 5
# Fewer ids that changed their people are no evidence of another list.
_DISAGREEING_IDS = 10
_BACKOFF_SECONDS = 0.2
_RESTART_SECONDS = 1.0

# Classes of SQLSTATE (PostgreSQL, Appendix A) that pass: lost connections, conflicts with other
# writers, lock timeouts, a server that is going down or coming up.
_PASSING = ("08", "40", "55P03", "57P01", "57P02", "57P03")


def is_passing(error: Exception) -> bool:
    """Whether planning again from fresh state may help.

    What a writer outside Leadfold, a lost connection or a restart of Postgres did to a plan does
    not last; a full disk, a value too long for an index, or a busy team do.
    """
    if isinstance(error, DatabaseUnavailableError):
        return not isinstance(error, TeamBusyError)
    if isinstance(error, psycopg.OperationalError):
        return error.sqlstate is None or error.sqlstate.startswith(_PASSING)
    return isinstance(error, StalePlanError | psycopg.errors.UniqueViolation)


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
            except (LeadfoldError, psycopg.Error) as error:
                if not is_passing(error):
                    if isinstance(error, LeadfoldError):
                        raise
                    raise DatabaseUnavailableError(
                        f"Nothing was written. Postgres says: {warehouse.first_line(error)}"
                    ) from error
                if attempt == MAX_TRIES:
                    raise DatabaseUnavailableError(
                        f"Nothing was written: {MAX_TRIES} tries failed, the last one because: "
                        f"{warehouse.first_line(error)}\nImport the file again."
                    ) from error
                # Jitter, so that those who met do not meet again; a restart takes some seconds.
                is_gone = not isinstance(error, StalePlanError | psycopg.errors.UniqueViolation)
                least = _RESTART_SECONDS * attempt if is_gone else 0
                time.sleep(least + random.uniform(0, _BACKOFF_SECONDS * 2**attempt))
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
        job.file_name,
        "dry_run" if job.is_dry_run else "done",
        plan.counts,
        plan.match,
        plan.effects,
    )


def _plan(job: Job, work: Work, connection: psycopg.Connection) -> Plan:
    """Fetch what Postgres holds about this batch, and write down what differs."""
    team_id = job.team.team_id
    source = load_source(job.source)
    collect_claims(work, source.claim_space)
    stored.fetch_batch(connection, work, team_id, job.source_file)
    if source.source_file == "file":
        _check_same_list(job, work)
    fold_statements(work)
    resolve(work, job.import_id)
    stored.fetch_personas(connection, work, team_id)
    compare_leads(work)
    survive(work, job.source, job.import_id)
    return make_plan(work, job.import_id, job.source, job.source_file)


def _check_same_list(job: Job, work: Work) -> None:
    """Hold a one-off list that has the name of another: its ids would mix up their people."""
    common, agreeing = count_agreeing_ids(work)
    if common - agreeing >= _DISAGREEING_IDS and 2 * agreeing < common:
        raise ReusedFileNameError(
            f"{job.file_name}: a list of this name was imported before, and of the {common:,} "
            f"record ids in common only {agreeing:,} have a phone, email or CRM id in common too.\n"
            "If it is another list, give the file another name and import it again."
        )
