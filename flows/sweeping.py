"""Flow runs whose process is gone: taken up again, or given up. None stays 'Running' for ever.

A run is alive while a process holds its lock (``flows.runs``). What is taken up again is the same
flow run, so its imports keep their ids, and what is done of them is not done twice.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import Cancelled, Crashed, Scheduled

from flows import runs, warehouse
from flows.deployments import TAKEN_UP, list_deployments
from flows.importing import KILLED, sweep_killed
from flows.settings import Settings

ATTEMPTS = 3
# A process needs some seconds from the start of its flow until it holds the lock of its run, and on
# a busy machine minutes until its flow starts.
_BEGINNING = timedelta(seconds=60)
_STARTING = timedelta(minutes=5)
# Who looks at a crash of last week wants to know of it, not that it begins again.
_RECENT = timedelta(days=1)
_PAGE = 200

_UNFINISHED = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]
_AGAIN = "TakenUpAgain"
_INTERRUPTED = "Interrupted"

STOPPED = (
    "Stopped with Leadfold before it was done. Nothing was written; it is taken up again at the"
    " next start."
)
"""What state and ledger say of an import in whose midst Leadfold was stopped."""


Suspects = dict[UUID, UUID]
"""Runs that seem to be dead, and the state in which they were seen so."""


def sweep(
    settings: Settings, suspects: Suspects, begun_before: datetime | None = None
) -> list[str]:
    """Close ledger rows of killed imports, and decide about runs whose process is gone.

    A process that ends has let go of its lock before Prefect knows how it ended. So a run counts
    as dead that two sweeps find in the same state, with nobody at work.

    Args:
        settings: Where locks and the ledger are.
        suspects: What the sweep before has found; what this one finds takes its place.
        begun_before: No process of a run is left that was in its state before then. Without it, a
            run is given a minute to show that it lives, one that has yet to start five.

    Returns:
        A sentence for each run that was decided about.
    """
    _close_killed(settings)
    now = datetime.now(UTC)
    earlier = dict(suspects)
    suspects.clear()
    told = []
    with get_client(sync_client=True) as client:
        for run in _list_runs(client, _UNFINISHED):
            if run.state is None or runs.is_alive(settings, str(run.id)):
                continue
            is_surely = begun_before is not None and run.state.timestamp < begun_before
            if is_surely or earlier.get(run.id) == run.state.id:
                if client.read_flow_run(run.id).state_id == run.state.id:
                    told.append(_decide(client, run))
            elif run.state.timestamp < now - (_STARTING if run.state.is_pending() else _BEGINNING):
                suspects[run.id] = run.state.id
        since = FlowRunFilterEndTime(after_=now - _RECENT)
        for run in _list_runs(client, [StateType.CRASHED], TAKEN_UP, since):
            if not runs.is_alive(settings, str(run.id)) and _is_worth_another(client, run):
                told.append(_take_up(client, run))
    return told


def put_back(settings: Settings, begun_before: datetime) -> None:
    """At a stop: put back the runs that could not do so themselves. No process of one is left."""
    _close_killed(settings, STOPPED)
    with get_client(sync_client=True) as client:
        for run in _list_runs(client, [StateType.RUNNING, StateType.PENDING]):
            is_ours = run.state and run.state.timestamp < begun_before
            if is_ours and not runs.is_alive(settings, str(run.id)):
                interrupt(run.id)


def interrupt(run_id: UUID) -> None:
    """Put back a run that was let go of since Leadfold stops; it does not count as a crash."""
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(run_id)
        if run.state and run.state.type in (StateType.RUNNING, StateType.PENDING):
            _end_tasks(client, run)
            state: State[None] = Scheduled(name=_INTERRUPTED, message=STOPPED)
            client.set_flow_run_state(run.id, state, force=True)


def _close_killed(settings: Settings, reason: str = KILLED) -> None:
    with warehouse.connected(settings, "leadfold up") as connection:
        sweep_killed(connection, settings, reason)


def _decide(client: SyncPrefectClient, run: FlowRun) -> str:
    """What becomes of a run that Prefect takes for running."""
    assert run.state is not None
    if run.state.is_cancelling():
        _end_tasks(client, run)
        cancelled: State[None] = Cancelled(message="Cancelled; no process worked on it any more.")
        client.set_flow_run_state(run.id, cancelled, force=True)
        return f"{run.name}: cancelled, as somebody asked for."
    if _is_worth_another(client, run):
        return _take_up(client, run)
    _end_tasks(client, run)
    message = f"Its process ended before it did, {ATTEMPTS} times. See 'leadfold imports' and logs."
    crashed: State[None] = Crashed(message=message)
    client.set_flow_run_state(run.id, crashed, force=True)
    return f"{run.name}: given up after {ATTEMPTS} attempts."


def _is_worth_another(client: SyncPrefectClient, run: FlowRun) -> bool:
    """Whether a run was taken up again less often than it may be."""
    states = client.read_flow_run_states(run.id)
    return sum(state.name == _AGAIN for state in states) < ATTEMPTS - 1


def _take_up(client: SyncPrefectClient, run: FlowRun) -> str:
    _end_tasks(client, run)
    state: State[None] = Scheduled(
        name=_AGAIN, message="Its process ended before it did; it is taken up again."
    )
    client.set_flow_run_state(run.id, state, force=True)
    return f"{run.name}: its process ended before it did; it is taken up again."


def _end_tasks(client: SyncPrefectClient, run: FlowRun) -> None:
    """No step of a run that is over stays 'Running' either."""
    state_filter = TaskRunFilterState(
        type=TaskRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING])
    )
    for task in client.read_task_runs(
        flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run.id])),
        task_run_filter=TaskRunFilter(state=state_filter),
    ):
        ended: State[None] = Crashed(message="Its process ended before it did.")
        client.set_task_run_state(task.id, ended, force=True)


def _list_runs(
    client: SyncPrefectClient,
    types: list[StateType],
    names: tuple[str, ...] = (),
    end_time: FlowRunFilterEndTime | None = None,
) -> Iterator[FlowRun]:
    """Runs of our deployments in a state; at most a page, the rest at the next sweep."""
    known = list(names) or [each.name for each in list_deployments()]
    state = FlowRunFilterState(type=FlowRunFilterStateType(any_=types))
    yield from client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=state, end_time=end_time),
        deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=known)),
        limit=_PAGE,
    )
