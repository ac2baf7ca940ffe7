"""Imports within a flow run: steps that Prefect retries, log lines, a report, and held ones."""

import os
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast
from uuid import UUID

import httpx
from prefect import get_run_logger, task
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    update_progress_artifact,
)
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import TerminationSignal
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from prefect.tasks import Task, exponential_backoff

from contracts.errors import (
    DatabaseUnavailableError,
    LeadfoldError,
    TeamBusyError,
    WrongCallError,
)
from flows import artifacts, importing, notices, report
from flows.asking import ask
from flows.folding import fold
from flows.jobs import Outcome, Request
from flows.runs import current_run_id
from flows.settings import Settings, load_settings
from flows.staging import stage
from flows.terminal import visible
from flows.waiting import HELD

P = ParamSpec("P")
R = TypeVar("R")

# How far an import is when a step is told of: a guess, by how long each takes on the whole.
_PERCENT = {"read": 20.0, "normalise": 45.0, "plan": 75.0, "write": 95.0}


class LeadfoldFaultError(Exception):
    """A fault of Leadfold's. It tells where, and nothing of the data that it was met with."""


@dataclass(frozen=True)
class _Stopped:
    """A step that ended for a reason that trying again does not change."""

    error: Exception


def lost_connection(_: Task[..., object], __: object, state: State[object]) -> bool:
    """Whether a task failed for a reason that may pass; a busy team was waited for already."""
    try:
        state.result()
    except TeamBusyError:
        return False
    except DatabaseUnavailableError:
        return True
    except Exception:
        return False
    return False


def retried(name: str, step: Callable[P, R]) -> Callable[P, R]:
    """A step as a task that is tried again when the database went away.

    Any other error passes by Prefect, which would log it, with what it quotes of the file.
    """

    def guarded(*arguments: P.args, **options: P.kwargs) -> R | State[Any]:
        try:
            return step(*arguments, **options)
        except DatabaseUnavailableError:
            raise
        except Exception as error:
            return Completed(name="Stopped", message="See the run.", data=_Stopped(error))

    tried = task(
        name=name,
        retries=3,
        retry_delay_seconds=exponential_backoff(backoff_factor=2),
        retry_condition_fn=lost_connection,
        cache_policy=NO_CACHE,
        persist_result=False,
        log_prints=False,
    )(wraps(step)(guarded))

    def run(*arguments: P.args, **options: P.kwargs) -> R:
        found = tried(*arguments, **options)
        if isinstance(found, State):
            raise cast(_Stopped, found.result()).error
        return found

    return run


STEPS = importing.Steps(
    retried("land", importing.land_file),
    retried("stage", stage),
    retried("fold", fold),
    stops=(KeyboardInterrupt, TerminationSignal),
)


def import_in_run(request: Request, settings: Settings, *, publishes: bool = True) -> list[Outcome]:
    """Import one file within the flow run, and publish what became of it.

    Under the same import id it is safe to repeat: what is done, held or declined stays so. For one
    that is held a run starts in which a person decides, unless this run waits itself.

    Args:
        request: What is to be imported.
        settings: Where the database and the files are.
        publishes: Whether it leaves a report of its own; the run of a whole batch leaves one.

    Raises:
        WrongCallError: The request names a file, source or team that is not there.
        DatabaseUnavailableError: Postgres does not answer from the start.
    """
    about = (request.import_id, request.team, request.path.name)
    progress = RunProgress(*about, has_bar=publishes)
    outcomes = importing.run_import(request, settings, progress, STEPS)
    if request.is_dry_run:
        outcomes = [_foretold(outcome) for outcome in outcomes]
    progress.finish(", ".join(outcome.status.replace("_", " ") for outcome in outcomes))
    tell = publish_outcome(settings, has_page=publishes)
    for outcome in outcomes:
        tell(outcome)
        if outcome.status == "held" and request.origin in ("nightly", "drop"):
            ask(outcome.import_id, settings)
    return outcomes


def _foretold(outcome: Outcome) -> Outcome:
    """What a dry run tells of an import that would be held: nothing waits, for nothing was done."""
    if outcome.status != "held":
        return outcome
    reason = f"An import of it would be held: {outcome.reason}"
    return replace(outcome, status="failed", reason=reason)


def end(work: Callable[[], list[Outcome]], settings: Settings | None = None) -> State[Any]:
    """Do the work of a flow, and tell in its last state what became of it, in a sentence.

    An error that its reader can act on becomes the state's message. Any other is a fault of ours,
    whose text may hold people's data: it tells only where, unless ``LEADFOLD_DEBUG=1``.
    """
    settings = settings or load_settings()
    return guard(lambda: _end(work(), settings), settings)


def guard(work: Callable[[], State[Any]], settings: Settings) -> State[Any]:
    """Do the work of a flow; an error becomes its last state, as ``end`` tells."""
    try:
        return work()
    except WrongCallError as error:
        # It quotes what the call named, and what that may have meant: nothing of a file.
        return Failed(message=visible(str(error)), data=error)
    except LeadfoldError as error:
        return Failed(message=report.hide(str(error), "", settings), data=error)
    except Exception as error:
        if os.environ.get("LEADFOLD_DEBUG") == "1":
            raise
        raise LeadfoldFaultError(_where(error)) from None


def _end(outcomes: list[Outcome], settings: Settings) -> State[Any]:
    message = " ".join(report.public_sentence(each, settings) for each in outcomes)
    if all(each.is_good or each.status == "declined" for each in outcomes):
        return Completed(message=message, data=outcomes)
    is_held = any(each.status == "held" for each in outcomes)
    return Failed(name=HELD if is_held else "Failed", message=message, data=outcomes)


def _where(error: Exception) -> str:
    root = os.path.dirname(os.path.dirname(__file__))
    own = tuple(os.path.join(root, layer, "") for layer in ("contracts", "transforms", "flows"))
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.startswith(own)
    ]
    place = f" at {os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
    return (
        f"A fault of Leadfold's: {type(error).__name__}{place}."
        " Set LEADFOLD_DEBUG=1 to see all of it in the log."
    )


class RunProgress:
    """How far an import is: lines in the flow run's log, and a bar in the UI."""

    def __init__(self, import_id: str, team: str, file_name: str, *, has_bar: bool = True) -> None:
        self._has_bar = has_bar
        self._logger = get_run_logger()
        self._about = visible(f"{import_id} ({team}, {file_name})")
        self._step = ""
        self._bar: UUID | None = None

    def __call__(self, step: str, rows: int) -> None:
        """Tell that a step has done so many rows so far."""
        self._logger.info("%s: %s: %s rows", self._about, step, f"{rows:,}")
        if step != self._step:
            self._step = step
            self._show(_PERCENT.get(step, 50.0), f"{step}: {rows:,} rows so far")

    def finish(self, said: str) -> None:
        """Tell that no more is to come."""
        self._show(100.0, said)

    def _show(self, percent: float, said: str) -> None:
        if not self._has_bar:
            return
        # A bar that cannot be drawn is no reason for an import to fail.
        with suppress(httpx.HTTPError):
            if self._bar:
                update_progress_artifact(self._bar, percent, said)
            else:
                self._bar = cast(UUID, create_progress_artifact(percent, description=said))


def publish_outcome(settings: Settings, *, has_page: bool = True) -> Callable[[Outcome], None]:
    """What leaves the report of an import where people look, a line in the log, and an event."""
    logger = get_run_logger()

    def tell(outcome: Outcome) -> None:
        said = report.public_sentence(outcome, settings)
        about = visible(f"{outcome.import_id} ({outcome.team_id}, {outcome.file_name})")
        logger.info("%s: %s", about, said)
        if has_page:
            publish(outcome, settings)
        notices.tell_finished(outcome, settings)

    return tell


@task(name="report", cache_policy=NO_CACHE, persist_result=False)
def publish(outcome: Outcome, settings: Settings) -> None:
    """Leave a report of what became of a file where people look."""
    try:
        findings = artifacts.find_out(outcome, settings)
    except DatabaseUnavailableError:
        # The import is what it is without its report, too.
        findings = artifacts.Findings()
    # Without a key, or the UI opens a list of versions in place of the page.
    create_markdown_artifact(
        artifacts.page(outcome, findings, settings),
        description=f"{outcome.file_name} into {outcome.team_id}",
    )


def name_run(name: str) -> None:
    """Name the flow run, where what it was called before does not fit any more."""
    if flow_run.get_name() != name:
        with get_client(sync_client=True) as client:
            client.set_flow_run_name(UUID(current_run_id()), name)
