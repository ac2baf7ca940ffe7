"""Flow runs: each holds a lock while it lives, and knows its imports by its own id."""

import hashlib
import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.runtime import flow_run

from contracts.errors import WrongCallError
from flows.settings import Settings
from flows.workspace import is_held, lock_file
from transforms.ids import make_id


def current_run_id() -> str:
    """The id of the flow run in which this is called."""
    return str(flow_run.get_id())


@contextmanager
def hold_run(settings: Settings) -> Iterator[str]:
    """Hold the lock of this flow run, which the kernel lets go of when its process dies.

    Yields:
        The run's id.
    """
    run_id = current_run_id()
    # Prefect sends on what this logger tells, but only from WARNING on by itself.
    logging.getLogger("leadfold").setLevel(logging.INFO)
    settings.runs.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = settings.runs / f"{run_id}.lock"
    with lock_file(path):
        try:
            yield run_id
        finally:
            path.unlink(missing_ok=True)


def is_alive(settings: Settings, run_id: str) -> bool:
    """Whether a process of this machine works on a flow run."""
    return is_held(settings.runs / f"{run_id}.lock")


def import_id_of(run_id: str, key: str = "") -> str:
    """The id of an import of a flow run, the same again when the run is repeated.

    Args:
        run_id: The flow run in which this is called; the import's time is when it was created.
        key: What tells the imports of one run apart, such as a file's name and content.
    """
    digest = hashlib.sha256(f"{run_id} {key}".encode()).digest()
    milliseconds = int(_created_at(run_id).timestamp() * 1000)
    return make_id("import", milliseconds, int.from_bytes(digest[:10]))


def _created_at(run_id: str) -> datetime:
    context = FlowRunContext.get()
    run = context.flow_run if context else None
    if run is None or str(run.id) != run_id or run.created is None:
        with get_client(sync_client=True) as client:
            run = client.read_flow_run(uuid.UUID(run_id))
    if run.created is None:
        raise WrongCallError(f"The flow run {run_id} does not say when it was created.")
    return run.created
