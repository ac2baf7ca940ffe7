"""Maintenance as a Prefect flow: what is older than retention.yaml wants kept goes.

Run it by hand with ``leadfold maintain``; on a schedule with a deployment of prefect.yaml.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import cast

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed
from prefect.tasks import exponential_backoff

from contracts.errors import LeadfoldError
from flows.retention import Maintenance, run_maintenance
from flows.run_imports import lost_connection
from flows.runs import hold_run
from flows.settings import load_settings


@task(
    name="prune",
    retries=3,
    retry_delay_seconds=exponential_backoff(backoff_factor=2),
    retry_condition_fn=lost_connection,
    cache_policy=NO_CACHE,
)
def prune(dry_run: bool) -> Maintenance:
    """Remove what is too old. Safe to retry: what is gone is not found again."""
    return run_maintenance(load_settings(), is_dry_run=dry_run)


@flow(name="maintain", validate_parameters=True)
def maintain(dry_run: bool = False) -> State[Maintenance]:
    """Remove files, histories and texts of rejects that are older than retention.yaml wants kept.

    Args:
        dry_run: Only tell what would be removed.
    """
    with hold_run(load_settings()):
        done = prune(dry_run)
    logger = get_run_logger()
    for line in done.lines():
        logger.info(line)
    create_markdown_artifact(
        "\n".join(("# Maintenance", "", *(f"- {line}" for line in done.lines()))),
        key="maintain",
        description="What was removed by age",
    )
    return Completed(message=" ".join(done.lines()), data=done)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the flow as a program, and give its exit code."""
    parser = argparse.ArgumentParser(prog="python -m flows.maintain")
    parser.add_argument("--dry-run", action="store_true", help="only tell what would be removed")
    called = parser.parse_args(arguments)
    try:
        done = cast(Maintenance, maintain(called.dry_run))
    except LeadfoldError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    for line in done.lines():
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
