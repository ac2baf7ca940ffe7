"""What ``leadfold doctor`` asks Prefect: that it answers, and that somebody serves what is due."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import prefect
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateName,
)
from prefect.client.schemas.objects import DeploymentStatus
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from flows.checks import Finding, join
from flows.deployments import list_deployments
from flows.prefect_address import is_loopback, server_url
from flows.settings import Settings

# A run is late after some seconds; a machine that is busy is not out of order.
_LATE = timedelta(minutes=5)


def check_address(settings: Settings) -> Iterator[Finding]:
    """Whether strangers may come in where ``leadfold up`` listens."""
    if settings.ui_auth or is_loopback(settings.ui_host):
        return
    yield Finding(
        "prefect",
        "wrong",
        f"LEADFOLD_UI_HOST is {settings.ui_host}: other machines could come in without a login.",
        "Set LEADFOLD_UI_AUTH to user:password, or LEADFOLD_UI_HOST to 127.0.0.1.",
    )


def check_server(settings: Settings) -> Iterator[Finding]:
    """Whether the server answers, has our deployments, and is not late."""
    own = PREFECT_API_URL.value()
    url = own or f"{server_url(settings)}/api"
    changed = {PREFECT_API_URL: url}
    if not own and settings.ui_auth:
        changed[PREFECT_API_AUTH_STRING] = settings.ui_auth
    with temporary_settings(changed), get_client(sync_client=True) as client:
        # Health is told to everybody, the version to those alone who may come in.
        fault = client.api_healthcheck()
        if fault is None:
            try:
                version = client.api_version()
            except httpx.HTTPError as error:
                fault = error
        if fault:
            yield _no_answer(fault, url, is_own=bool(own))
            return
        if version != prefect.__version__:
            yield Finding(
                "prefect",
                "warning",
                f"The server at {url} is Prefect {version}, this program works with"
                f" {prefect.__version__}.",
                "Install the same version in both places.",
            )
        else:
            yield Finding("prefect", "ok", f"Prefect {version} answers at {url}.")
        yield from _check_deployments(client)
        yield from _check_late(client)


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (check_address, check_server)


def _no_answer(fault: Exception, url: str, *, is_own: bool) -> Finding:
    if isinstance(fault, httpx.HTTPStatusError) and fault.response.status_code in (401, 403):
        names = "PREFECT_API_AUTH_STRING" if is_own else "LEADFOLD_UI_AUTH"
        says = f"The Prefect server at {url} does not let us in."
        return Finding("prefect", "wrong", says, f"Set {names} to its user:password.")
    if is_own:
        return Finding(
            "prefect",
            "wrong",
            f"No Prefect server answers at {url}.",
            "Start it, or correct PREFECT_API_URL.",
        )
    return Finding(
        "prefect",
        "warning",
        f"Nothing is scheduled, watched or shown: no Prefect server answers at {url}.",
        "To start it: leadfold up",
    )


def _check_deployments(client: SyncPrefectClient) -> Iterator[Finding]:
    """Whether what prefect.yaml defines is deployed, and somebody asks for its runs."""
    names = [each.name for each in list_deployments()]
    found = client.read_deployments(
        deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=names))
    )
    by_name = {each.name: each for each in found}
    remedy = "leadfold up serves them; on a server of your own: leadfold deploy"
    if missing := [name for name in names if name not in by_name]:
        says = f"Not deployed: {join(missing, len(names))}."
        yield Finding("prefect", "wrong", says, remedy)
    idle = [each.name for each in found if each.status != DeploymentStatus.READY]
    if idle:
        says = f"Nobody runs what is due of {join(sorted(idle), len(names))}."
        yield Finding("prefect", "wrong", says, "Start leadfold up, or a worker of the pool.")
    if paused := sorted(each.name for each in found if each.paused):
        says = f"Paused: {join(paused, len(names))}."
        yield Finding("prefect", "warning", says, "Resume them in the UI if that is not meant.")
    if not missing and not idle and not paused:
        yield Finding("prefect", "ok", f"{len(names):,} deployments are served.")


def _check_late(client: SyncPrefectClient) -> Iterator[Finding]:
    """Whether runs wait that should have begun."""
    late = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(name=FlowRunFilterStateName(any_=["Late"]))
        ),
        limit=200,
    )
    due = datetime.now(UTC) - _LATE
    waiting = [run for run in late if run.expected_start_time and run.expected_start_time < due]
    if waiting:
        names = join([run.name for run in waiting], 2)
        says = f"{len(waiting):,} runs should have begun five minutes ago: {names}."
        yield Finding("prefect", "warning", says, "See whether leadfold up or a worker runs.")
    else:
        yield Finding("prefect", "ok", "No run is late.")
