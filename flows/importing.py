"""The story of one import, top to bottom, in plain Python. Prefect wraps its steps as tasks."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from contracts.errors import HeldError, LeadfoldError, UnreadableFileError, WrongCallError
from contracts.registry import load_source
from flows import ledger, teams, warehouse
from flows.folding import fold
from flows.inspecting import AUTO, find_source
from flows.jobs import Job, Outcome, Progress, Request, make_import_id, say_nothing
from flows.landing import Batch, check_path, land
from flows.plan_files import check_alone
from flows.settings import Settings
from flows.staging import stage
from flows.trying import tell_stopped
from flows.workspace import hold_workspace, sweep_workspaces
from transforms.normalize import rules_digest

_KILLED = "The process ended before the import did. Nothing was written; import the file again."


@dataclass(frozen=True)
class Steps:
    """The steps that may be retried, each on its own; each is safe to run twice."""

    land: Callable[[Job, Settings], list[Batch]]
    stage: Callable[[Job, Batch, Settings, Progress], Path]
    fold: Callable[[Job, Batch, Path, Settings, Progress], Outcome]


def run_import(
    request: Request,
    settings: Settings,
    progress: Progress = say_nothing,
    steps: Steps | None = None,
) -> list[Outcome]:
    """Import one file, or tell what that would do. Each member of an archive is an import.

    Returns:
        What became of it. A held or failed import is an outcome too, with its reason.

    Raises:
        WrongCallError: The call names a file, source or team that is not there.
        DatabaseUnavailableError: Postgres does not answer from the start.
    """
    steps = steps or PLAIN
    with hold_workspace(settings.work, request.import_id):
        job = begin(request, settings)
        try:
            batches = steps.land(job, settings)
            check_alone(job, batches)
        except BaseException as error:
            return [_stop(job, settings, error)]
        is_alone = len(batches) == 1
        outcomes = [_carry_out(job, batches[0], settings, progress, steps, is_alone=is_alone)]
    for batch in batches[1:]:
        member = replace(request, import_id=make_import_id())
        with hold_workspace(settings.work, member.import_id):
            job = begin(member, settings)
            outcomes.append(_carry_out(job, batch, settings, progress, steps, is_alone=False))
    return outcomes


def _carry_out(
    job: Job,
    batch: Batch,
    settings: Settings,
    progress: Progress,
    steps: Steps,
    *,
    is_alone: bool,
) -> Outcome:
    job = replace(job, file_name=batch.file_name)
    try:
        if batch.refusal:
            raise UnreadableFileError(batch.refusal)
        job = _of_batch(job, batch)
        _note_batch(job, batch, settings)
        work_file = steps.stage(job, batch, settings, progress)
        return steps.fold(job, batch, work_file, settings, progress)
    except BaseException as error:
        # The other members of an archive are not to miss their turn.
        return _stop(job, settings, error, is_told=not is_alone)


def _stop(job: Job, settings: Settings, error: BaseException, *, is_told: bool = False) -> Outcome:
    """Tell the ledger why an import ends; what is no error of ours goes on up, unless told."""
    status: ledger.Status = "held" if isinstance(error, HeldError) else "failed"
    reason = str(error)
    if not isinstance(error, LeadfoldError):
        # The text of a strange error may hold people's data, and the ledger is kept.
        reason = f"A fault of Leadfold's: {type(error).__name__}."
    if not job.is_dry_run:
        tell_stopped(settings, job.import_id, status, reason)
    if not isinstance(error, LeadfoldError) and not (is_told and isinstance(error, Exception)):
        raise error
    return Outcome(
        job.import_id, job.team.team_id, job.source, job.file_name, status, reason=reason
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
            )
    return job


def sweep_killed(connection: psycopg.Connection, settings: Settings) -> list[str]:
    """Remove what killed imports left behind, tell the ledger, and say which they were."""
    killed = []
    for import_id in sweep_workspaces(settings.work):
        ledger.stop_import(connection, import_id, "failed", _KILLED)
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
    # The feed where record ids are stable from file to file, else this one file.
    name = "default" if source.source_file == "feed" else job.file_name
    return replace(job, source=source.name, source_file=f"{source.name}/{name}")


def _note_batch(job: Job, batch: Batch, settings: Settings) -> None:
    if job.is_dry_run:
        return
    with warehouse.connected(settings, job.import_id) as connection:
        ledger.note_file(
            connection,
            job.import_id,
            file_name=job.file_name,
            source=job.source,
            source_file=job.source_file,
            sha256=batch.sha256,
            size_bytes=batch.size_bytes,
            rules=rules_digest(load_source(job.source), job.team.region),
        )
