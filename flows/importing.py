"""The story of one import, top to bottom, in plain Python. Prefect wraps its steps as tasks."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import duckdb
import psycopg

from contracts.errors import (
    DatabaseUnavailableError,
    FileNotStableError,
    HeldError,
    LeadfoldError,
    UnreadableFileError,
    WrongCallError,
)
from contracts.feeds import AUTO
from contracts.registry import load_source
from flows import ledger, ledger_files, teams, warehouse
from flows.corrections import as_correction
from flows.folding import fold
from flows.inspecting import find_source
from flows.jobs import Job, Outcome, Progress, Request, member_import_id, say_nothing
from flows.landing import Batch, check_path, land
from flows.plan_files import check_alone
from flows.settings import Settings
from flows.staging import stage
from flows.trying import tell_stopped
from flows.work_database import may_fit_on_disk, telling_memory
from flows.workspace import hold_workspace, sweep_workspaces
from transforms.normalize import rules_digest
from transforms.relations import Work

_CLOSED = ("done", "held", "declined")
KILLED = (
    "The process ended before the import did. Nothing was written; import the file again, if no"
    " flow run does so by itself."
)
_STOPPED = (
    "Stopped before it was done. Nothing was written; import the file again, if no flow run does so"
    " by itself."
)


@dataclass(frozen=True)
class Steps:
    """The steps that may be retried, each on its own; each is safe to run twice.

    Attributes:
        stops: What is raised in the midst of a step when somebody stops the process.
    """

    land: Callable[[Job, Settings], list[Batch]]
    stage: Callable[[Job, Batch, Settings, Progress], Work]
    fold: Callable[[Job, Batch, Work, Settings, Progress], Outcome]
    stops: tuple[type[BaseException], ...] = (KeyboardInterrupt,)


def run_import(
    request: Request,
    settings: Settings,
    progress: Progress = say_nothing,
    steps: Steps | None = None,
) -> list[Outcome]:
    """Import one file, or tell what that would do. Each member of an archive is an import.

    Asked again under the same import id, as after a crash, what is done, held or declined stays so.

    Returns:
        What became of it. A held or failed import is an outcome too, with its reason.

    Raises:
        WrongCallError: The call names a file, source or team that is not there.
        DatabaseUnavailableError: Postgres does not answer from the start.
    """
    steps = steps or PLAIN
    with hold_workspace(settings.work, request.import_id):
        if not request.path.exists() and (known := list_closed(request, settings)):
            return known
        job = begin(request, settings)
        try:
            batches = steps.land(job, settings)
            check_alone(job, batches)
        except BaseException as error:
            return [_stop(job, settings, error, steps)]
        is_alone = len(batches) == 1
        outcomes = [carry_out(job, batches[0], settings, progress, steps, is_alone=is_alone)]
    for number, batch in enumerate(batches[1:], start=1):
        member = replace(request, import_id=member_import_id(request.import_id, number))
        with hold_workspace(settings.work, member.import_id):
            job = begin(member, settings)
            outcomes.append(carry_out(job, batch, settings, progress, steps, is_alone=False))
    return outcomes


def list_closed(request: Request, settings: Settings) -> list[Outcome]:
    """What the ledger says of a request that was carried out to its end; else nothing."""
    found: list[Outcome] = []
    with warehouse.connected(settings, request.import_id) as connection:
        while entry := ledger.get_import(
            connection, member_import_id(request.import_id, len(found))
        ):
            found.append(Outcome.of_entry(entry))
    return found if all(each.status in _CLOSED for each in found) else []


def carry_out(
    job: Job,
    batch: Batch,
    settings: Settings,
    progress: Progress,
    steps: Steps,
    *,
    is_alone: bool = True,
) -> Outcome:
    """Import a landed file, unless the ledger says that this is done, held or declined."""
    job = replace(job, file_name=batch.file_name)
    try:
        if known := _note_landed(job, batch, settings):
            return known
        if batch.refusal:
            raise UnreadableFileError(batch.refusal)
        job = as_correction(job, batch, settings) or _of_batch(job, batch)
        _note_read_as(job, settings)
        with telling_memory(job.file_name, settings):
            try:
                return _stage_and_fold(job, batch, settings, progress, steps)
            except duckdb.OutOfMemoryException as error:
                if not may_fit_on_disk(settings.work / job.import_id, error):
                    raise
            # Of tables in memory a part is never spilled. On disk they take longer, and need less.
            on_disk = replace(settings, has_tables_on_disk=True)
            return _stage_and_fold(job, batch, on_disk, progress, steps)
    except BaseException as error:
        # The other members of an archive are not to miss their turn.
        return _stop(job, settings, error, steps, is_told=not is_alone)


def _stage_and_fold(
    job: Job, batch: Batch, settings: Settings, progress: Progress, steps: Steps
) -> Outcome:
    with closing(steps.stage(job, batch, settings, progress)) as work:
        return steps.fold(job, batch, work, settings, progress)


def _stop(
    job: Job, settings: Settings, error: BaseException, steps: Steps, *, is_told: bool = False
) -> Outcome:
    """Tell the ledger why an import ends; what is no error of ours goes on up, unless told."""
    status: ledger.Status = "held" if isinstance(error, HeldError) else "failed"
    reason = str(error)
    if isinstance(error, steps.stops):
        reason = _STOPPED
    elif not isinstance(error, LeadfoldError):
        # The text of a strange error may hold people's data, and the ledger is kept.
        reason = f"A fault of Leadfold's: {type(error).__name__}."
    if not job.is_dry_run:
        code = error.code if isinstance(error, HeldError) else ""
        tell_stopped(settings, job.import_id, status, reason, code)
    if not isinstance(error, LeadfoldError) and not (is_told and isinstance(error, Exception)):
        raise error
    return Outcome(
        *(job.import_id, job.team.team_id, job.source, job.file_name, status),
        reason=reason,
        is_passing=isinstance(error, DatabaseUnavailableError | FileNotStableError),
    )


def begin(request: Request, settings: Settings) -> Job:
    """Check what the call names, and open the ledger row.

    Raises:
        WrongCallError: There is no such file, source or team.
        DatabaseUnavailableError: Postgres does not answer.
    """
    if request.source != AUTO:
        load_source(request.source)
    check_path(request.path)
    with warehouse.connected(settings, request.import_id) as connection:
        sweep_killed(connection, settings)
        job = Job(
            request.import_id,
            _find_team(connection, request),
            request.source,
            f"{request.source}/{request.path.name}",
            request.path.name,
            request.path,
            datetime.now(UTC),
            request.is_dry_run,
            request.plan_file,
            request.feed,
        )
        if not job.is_dry_run:
            ledger.start_import(
                connection,
                job.import_id,
                team_id=job.team.team_id,
                source=job.source,
                source_file=job.source_file,
                file_name=job.file_name,
                started_by=request.started_by,
                origin=request.origin,
                run_id=request.run_id,
                feed_id=request.feed.id if request.feed else None,
            )
    return job


def sweep_killed(
    connection: psycopg.Connection, settings: Settings, reason: str = KILLED
) -> list[str]:
    """Remove what killed imports left behind, tell the ledger, and say which they were."""
    killed = []
    for import_id in sweep_workspaces(settings.work):
        ledger.stop_import(connection, import_id, "failed", reason)
        killed.append(import_id)
    return killed


def _find_team(connection: psycopg.Connection, request: Request) -> teams.Team:
    try:
        return teams.find_team(connection, request.team)
    except WrongCallError:
        if request.new_team is None or not request.is_dry_run:
            raise
        return request.new_team


def land_file(job: Job, settings: Settings) -> list[Batch]:
    """Copy the file in, unpacked; a retry copies it again.

    Raises:
        UnreadableFileError: It cannot be read as what it claims to be.
    """
    return land(job.path, settings.landing)


PLAIN = Steps(land_file, stage, fold)
"""The steps without Prefect, in this process."""


def _of_batch(job: Job, batch: Batch) -> Job:
    """The job of one landed file: its source, if that is to be found out, and its logical file."""
    source = load_source(find_source(batch) if job.source == AUTO else job.source)
    return replace(job, source=source.name, source_file=source.logical_file(job.file_name))


def _note_landed(job: Job, batch: Batch, settings: Settings) -> Outcome | None:
    """Write down what was landed; what is closed already is told instead."""
    if job.is_dry_run:
        return None
    with warehouse.connected(settings, job.import_id) as connection:
        entry = ledger.find_import(connection, job.import_id)
        if entry.status in _CLOSED:
            return Outcome.of_entry(entry)
        ledger_files.note_landed(
            connection,
            job.import_id,
            file_name=job.file_name,
            sha256=batch.sha256,
            size_bytes=batch.size_bytes,
            form=batch.form,
        )
    return None


def _note_read_as(job: Job, settings: Settings) -> None:
    if job.is_dry_run:
        return
    with warehouse.connected(settings, job.import_id) as connection:
        ledger_files.note_file(
            connection,
            job.import_id,
            source=job.source,
            source_file=job.source_file,
            rules=rules_digest(job.contract, job.team.region),
            corrects=job.corrects,
        )
