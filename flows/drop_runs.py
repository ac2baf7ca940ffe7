"""Prefect runs that import what was dropped: started where there is work, one a team."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.deployments import run_deployment

from flows.dropped_files import Dropped
from flows.dropping import list_abandoned
from flows.runs import is_alive
from flows.settings import Settings

DEPLOYMENT = "import-dropped"

# So long a process may take to start before its run counts as one that died.
_STARTING = timedelta(minutes=2)


def teams_with_work(settings: Settings, ready: Iterable[Dropped]) -> list[str]:
    """Ids of teams with files that are ready, or that somebody claimed and left; in order."""
    waiting = {each.team_id for each in ready} | {
        claim.team_id for claim in list_abandoned(settings)
    }
    return sorted(waiting - {""})


def start_imports(settings: Settings, team_ids: Sequence[str]) -> list[str]:
    """Start an import run for each team that has none, and tell for which.

    Raises:
        httpx.HTTPError: Prefect's server does not answer.
    """
    if not team_ids:
        return []
    busy = {run.parameters.get("team") for run in _list_active(settings)}
    started = [team_id for team_id in team_ids if team_id not in busy]
    for team_id in started:
        run_deployment(
            f"{DEPLOYMENT}/{DEPLOYMENT}",
            parameters={"team": team_id},
            timeout=0,
            as_subflow=False,
            tags=[f"team:{team_id}"],
        )
    return started


def _list_active(settings: Settings) -> list[FlowRun]:
    """Runs that are to come, or that some process works on."""
    states = [StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING]
    with get_client(sync_client=True) as client:
        found = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=states))
            ),
            deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=[DEPLOYMENT])),
        )
    return [run for run in found if _is_active(settings, run)]


def _is_active(settings: Settings, run: FlowRun) -> bool:
    state = run.state
    if state is None or state.type == StateType.SCHEDULED:
        return True
    # A run whose process was killed stays Running until somebody notices.
    is_young = datetime.now(UTC) - state.timestamp < _STARTING
    return is_young or is_alive(settings, str(run.id))
