"""The story of one import, top to bottom, in plain Python. Prefect wraps its steps as tasks."""

from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from contracts.errors import LeadfoldError, SourceDriftError
from contracts.source import Source, load_source
from flows import ledger, warehouse
from flows.folding import fold
from flows.jobs import Job, Outcome, Progress, Request, say_nothing
from flows.landing import Batch, check_path, land
from flows.settings import Settings
from flows.staging import stage
from flows.workspace import hold_workspace, sweep_workspaces

_KILLED = "The process ended before the import did. Nothing was written; import the file again."


@dataclass(frozen=True)
class Steps:
    """The steps that may be retried, each on its own; each is safe to run twice."""

    land: Callable[[Job, Settings], Batch]
    stage: Callable[[Job, Batch, Settings, Progress], Path]
    fold: Callable[[Job, Batch, Path, Settings, Progress], Outcome]


def run_import(
    request: Request,
    settings: Settings,
    progress: Progress = say_nothing,
    steps: Steps | None = None,
) -> Outcome:
    """Import one file, or tell what that would do.

    Returns:
        What became of it. A held or failed import is an outcome too, with its reason.

    Raises:
        WrongCallError: The call names a file, source or team that is not there.
        DatabaseUnavailableError: Postgres does not answer from the start.
    """
    steps = steps or PLAIN
    with hold_workspace(settings.work, request.import_id):
        job = begin(request, settings)
        return _carry_out(job, settings, progress, steps)


def _carry_out(job: Job, settings: Settings, progress: Progress, steps: Steps) -> Outcome:
    try:
        batch = steps.land(job, settings)
        work_file = steps.stage(job, batch, settings, progress)
        return steps.fold(job, batch, work_file, settings, progress)
    except LeadfoldError as error:
        status: ledger.Status = "held" if isinstance(error, SourceDriftError) else "failed"
        _note_stop(job, settings, status, str(error))
        return Outcome(
            job.import_id,
            job.team.team_id,
            job.source,
            job.path.name,
            status,
            reason=str(error),
        )
    except BaseException as error:
        _note_stop(job, settings, "failed", f"{type(error).__name__}: {error}")
        raise


def begin(request: Request, settings: Settings) -> Job:
    """Check what the call names, and open the ledger row.

    Raises:
        WrongCallError: There is no such file, source or team.
        DatabaseUnavailableError: Postgres does not answer.
    """
    source = load_source(request.source)
    check_path(request.path)
    with (
        warehouse.answering(),
        closing(warehouse.connect(settings, request.import_id)) as connection,
    ):
        for import_id in sweep_workspaces(settings.work):
            ledger.stop_import(connection, import_id, "failed", _KILLED)
        job = Job(
            request.import_id,
            ledger.find_team(connection, request.team),
            source.name,
            _source_file(source, request.path),
            request.path,
            datetime.now(UTC),
            request.is_dry_run,
        )
        if not job.is_dry_run:
            ledger.start_import(
                connection,
                job.import_id,
                team_id=job.team.team_id,
                source=job.source,
                source_file=job.source_file,
                file_name=job.path.name,
                started_by=request.started_by,
            )
    return job


def land_file(job: Job, settings: Settings) -> Batch:
    """Copy the file in, and note its content in the ledger.

    Raises:
        UnreadableFileError: It may not be read, or is empty.
        DatabaseUnavailableError: Postgres does not answer.
    """
    batch = land(job.path, settings.landing)
    if not job.is_dry_run:
        with (
            warehouse.answering(),
            closing(warehouse.connect(settings, job.import_id)) as connection,
        ):
            ledger.note_file(connection, job.import_id, batch.sha256, batch.size_bytes)
    return batch


PLAIN = Steps(land_file, stage, fold)
"""The steps without Prefect, in this process."""


def _source_file(source: Source, path: Path) -> str:
    """The logical file: the feed where ids are stable from file to file, else this one file."""
    name = "default" if source.source_file == "feed" else path.name
    return f"{source.name}/{name}"


def _note_stop(job: Job, settings: Settings, status: ledger.Status, reason: str) -> None:
    """Tell the ledger why an import stopped, if the database can still be told."""
    if job.is_dry_run:
        return
    with (
        suppress(LeadfoldError, psycopg.Error),
        closing(warehouse.connect(settings, job.import_id)) as connection,
    ):
        ledger.stop_import(connection, job.import_id, status, reason)
