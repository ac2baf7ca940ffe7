"""Runs in which a person decides about a held import: started, and closed when they are late."""

import logging
from collections.abc import Iterator
from uuid import UUID

import httpx
import psycopg
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound

from flows import ledger, report, warehouse
from flows.jobs import Outcome
from flows.ledger import Import
from flows.settings import Settings
from flows.terminal import visible
from flows.waiting import close, waiting_name

DEPLOYMENT = "decide-import/decide-import"
_FLOWS = ("decide-import", "import-file")
_PAGE = 200

_logger = logging.getLogger("leadfold")


def ask(import_id: str, settings: Settings) -> None:
    """Start the run in which a person decides about a held import, unless one waits already.

    Where that cannot be done, the import stays held, and ``leadfold decide`` decides.
    """
    with warehouse.connected(settings, import_id) as connection:
        entry = ledger.get_import(connection, import_id)
    if entry and entry.status == "held":
        _start(entry)


def ask_pending(settings: Settings) -> int:
    """See that each held import has one run that waits for a decision, and no other import has one.

    Of imports that came by form, schedule or drop folder; who imports by command decides by
    command. A run that a person has cancelled is not started again.

    Returns:
        How many runs were started.

    Raises:
        DatabaseUnavailableError: Postgres does not answer.
    """
    with warehouse.connected(settings, "leadfold asks") as connection:
        held = [
            entry
            for entry in ledger.list_held(connection)
            if entry.origin in ("analyst", "nightly", "drop")
        ]
        with get_client(sync_client=True) as client:
            for run in list(_waiting_runs(client)):
                _close_late(client, connection, run, settings)
            missing = [entry for entry in held if _lacks_run(client, entry)]
    return sum(_start(entry) for entry in missing)


def _start(entry: Import) -> bool:
    """Start the run for an import, once for each time that it was held."""
    about = visible(f"{entry.import_id} ({entry.team_id}, {entry.file_name})")
    try:
        with get_client(sync_client=True) as client:
            earlier = len(_runs_about(client, entry))
        run_deployment(
            DEPLOYMENT,
            parameters={"import_id": entry.import_id},
            timeout=0,
            as_subflow=False,
            idempotency_key=f"{entry.import_id}-{len(entry.holds)}-{earlier}",
            flow_run_name=waiting_name(entry.team_id, entry.source, entry.file_name),
            tags=_tags(entry),
        )
    except (ObjectNotFound, httpx.HTTPError) as error:
        _logger.warning(
            "%s: held, and no run could be started that asks about it (%s). Decide with: leadfold"
            " decide %s",
            about,
            type(error).__name__,
            entry.import_id,
        )
        return False
    _logger.info("%s: held; a run waits for a decision", about)
    return True


def _tags(entry: Import) -> list[str]:
    """By these the runs are found again that ask about one holding of an import."""
    return ["held", f"{entry.import_id}-{len(entry.holds)}"]


def _lacks_run(client: SyncPrefectClient, entry: Import) -> bool:
    """Whether no run waits for the decision, is about to, or was sent away by a person."""
    runs = _runs_about(client, entry)
    if entry.run_id:
        ids = FlowRunFilterId(any_=[UUID(entry.run_id)])
        runs += client.read_flow_runs(flow_run_filter=FlowRunFilter(id=ids))
    kinds = {run.state.type for run in runs if run.state}
    return kinds <= {StateType.COMPLETED, StateType.FAILED, StateType.CRASHED}


def _runs_about(client: SyncPrefectClient, entry: Import) -> list[FlowRun]:
    tags = FlowRunFilterTags(all_=_tags(entry))
    return client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=tags), limit=_PAGE)


def _waiting_runs(client: SyncPrefectClient) -> Iterator[FlowRun]:
    paused = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED]))
    for offset in range(0, 100 * _PAGE, _PAGE):
        found = client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=list(_FLOWS))),
            flow_run_filter=FlowRunFilter(state=paused),
            sort=FlowRunSort.ID_DESC,
            limit=_PAGE,
            offset=offset,
        )
        yield from found
        if len(found) < _PAGE:
            return


def _close_late(
    client: SyncPrefectClient, connection: psycopg.Connection, run: FlowRun, settings: Settings
) -> None:
    """End a run that waits, if all of its imports are decided, or are held again since."""
    if asked := run.parameters.get("import_id"):
        entry = ledger.get_import(connection, str(asked))
        entries = [entry] if entry else []
    else:
        entries = ledger.list_of_run(connection, str(run.id))
    if not entries or any(_is_asked_by(run, entry) for entry in entries):
        return
    said = " ".join(report.public_sentence(Outcome.of_entry(each), settings) for each in entries)
    close(client, run.id, f"Decided otherwise meanwhile. {said}")


def _is_asked_by(run: FlowRun, entry: Import) -> bool:
    """Whether an import is held, and for what this run asks about, not for another reason since."""
    is_asked = str(run.id) == entry.run_id or set(_tags(entry)) <= set(run.tags)
    return entry.status == "held" and is_asked
