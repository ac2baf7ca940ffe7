"""The import as a Prefect flow: the same story, its steps as tasks that may be retried.

Run it by hand with ``python -m flows.import_file FILE --team TEAM --source SOURCE``.
"""

import argparse
import atexit
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from prefect.tasks import Task, exponential_backoff

from contracts.errors import DatabaseUnavailableError, LeadfoldError, TeamBusyError
from flows import importing, report
from flows.folding import fold
from flows.jobs import Outcome, Request
from flows.plan_files import check_plan_file
from flows.settings import load_settings
from flows.staging import stage

P = ParamSpec("P")
R = TypeVar("R")


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


def _retried(name: str, step: Callable[P, R]) -> Task[P, R]:
    return task(
        name=name,
        retries=3,
        retry_delay_seconds=exponential_backoff(backoff_factor=2),
        retry_condition_fn=lost_connection,
        cache_policy=NO_CACHE,
    )(step)


STEPS = importing.Steps(
    _retried("land", importing.land_file), _retried("stage", stage), _retried("fold", fold)
)


@task(name="report", cache_policy=NO_CACHE)
def report_task(outcome: Outcome) -> None:
    """Publish what became of the file."""
    create_markdown_artifact(
        report.markdown(outcome),
        key=outcome.import_id.lower().replace("_", "-"),
        description=f"{outcome.file_name} into {outcome.team_id}",
    )


@flow(name="import-file", flow_run_name="{team}/{source} {path}", validate_parameters=True)
def import_file(
    team: str, source: str, path: Path, dry_run: bool = False, plan: Path | None = None
) -> State[list[Outcome]]:
    """Fold one file into a team's people; each member of an archive is a file.

    Args:
        team: Name or id of the team.
        source: Name of the contract by which the file is read.
        path: The file, as this machine sees it.
        dry_run: Only tell what would happen.
        plan: Write what changes to this file, CSV or Parquet, on this machine.
    """
    logger = get_run_logger()

    def progress(step: str, rows: int) -> None:
        logger.info("%s: %s rows", step, f"{rows:,}")

    if plan:
        check_plan_file(plan, path)
    request = Request(path, team, source, is_dry_run=dry_run, plan_file=plan)
    outcomes = importing.run_import(request, load_settings(), progress, STEPS)
    for outcome in outcomes:
        report_task(outcome)
    state = Completed if all(outcome.is_good for outcome in outcomes) else Failed
    return state(message=" ".join(map(report.sentence, outcomes)), data=outcomes)


def run(request: Request) -> list[Outcome]:
    """Run the flow in this process, which does nothing else after, and give its outcomes."""
    atexit.register(_hush)
    state = import_file(
        request.team,
        request.source,
        request.path,
        request.is_dry_run,
        request.plan_file,
        return_state=True,
    )
    outcomes = cast(list[Outcome] | BaseException, state.result(raise_on_failure=False))
    if isinstance(outcomes, BaseException):
        raise outcomes
    return outcomes


def _hush() -> None:
    """Close standard error before the interpreter goes down.

    Prefect's threads outlive the flow and keep DuckDB's binding from being freed, which it then
    tells in a hundred lines that nobody can act on.
    """
    sys.stderr.flush()
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the flow as a program, and give its exit code: 0 done, 1 held or failed, 2 wrong call."""
    parser = argparse.ArgumentParser(prog="python -m flows.import_file")
    parser.add_argument("file", type=Path)
    parser.add_argument("--team", required=True, help="name or id of the team")
    parser.add_argument("--source", required=True, help="contract by which the file is read")
    parser.add_argument("--dry-run", action="store_true", help="only tell what would happen")
    called = parser.parse_args(arguments)
    try:
        outcomes = run(Request(called.file, called.team, called.source, called.dry_run))
    except LeadfoldError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    for outcome in outcomes:
        print(report.sentence(outcome))
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
