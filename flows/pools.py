"""The work pool of prefect.yaml, for process workers on a Prefect server."""

import subprocess
import sys

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.exceptions import ObjectNotFound
from prefect.utilities.asyncutils import run_coro_as_sync
from prefect.workers.process import ProcessWorker

from contracts.errors import LeadfoldError
from flows.deployments import POOL, find_file
from flows.settings import Settings


def ensure_pool(settings: Settings) -> None:
    """Make the work pool if it is not there, and bound what its workers run at a time."""
    run_coro_as_sync(_ensure_pool(settings))


async def _ensure_pool(settings: Settings) -> None:
    async with get_client() as client:
        try:
            await client.read_work_pool(POOL)
        except ObjectNotFound:
            await client.create_work_pool(
                WorkPoolCreate(
                    name=POOL,
                    type="process",
                    description="For process workers; 'leadfold up' needs none.",
                    base_job_template=ProcessWorker.get_default_base_job_template(),
                    concurrency_limit=settings.workers,
                )
            )
        else:
            await client.update_work_pool(POOL, WorkPoolUpdate(concurrency_limit=settings.workers))


def deploy_all() -> None:
    """Deploy what prefect.yaml says, to the server that PREFECT_API_URL names.

    Raises:
        LeadfoldError: Prefect refuses; it has told why.
    """
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"],
        cwd=find_file().parent,
        check=False,
    )
    if done.returncode:
        raise LeadfoldError("Prefect has not deployed everything; it says why above.")
