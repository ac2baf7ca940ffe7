"""The import as a Prefect flow: the same story, its steps as tasks that may be retried.

``import_file`` is what analysts start by a form; it reads the inbox and nothing else. Any file of
this machine is imported by ``python -m flows.import_file FILE --team TEAM --source SOURCE``.
"""

import argparse
import atexit
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run

from contracts.errors import LeadfoldError
from contracts.feeds import AUTO
from contracts.registry import load_source
from flows import inbox, ledger, report, warehouse
from flows.archiving import list_imported
from flows.importing import list_closed
from flows.jobs import Outcome, Request
from flows.plan_files import check_plan_file
from flows.run_imports import STEPS, RunProgress, end, import_in_run, name_run, publish_outcome
from flows.runs import hold_run, import_id_of
from flows.settings import Settings, load_settings
from flows.teams import find_team
from flows.terminal import visible
from flows.waiting import has_asked, settle


def _run_name() -> str:
    """What the run is called: ``acme/hubspot leads_0211.csv``."""
    called = flow_run.get_parameters()
    name = str(called.get("file") or called.get("path")).rpartition("/")[2]
    return f"{called['team']}/{called['source']} {name}"


@flow(name="import-file", flow_run_name=_run_name, validate_parameters=True, persist_result=False)
def import_file(
    team: str, source: str, file: str, dry_run: bool = False, your_name: str = ""
) -> State[list[Outcome]]:
    """Fold one file of the inbox into a team's people; each member of an archive is a file.

    A held import waits, with a form, for a person's decision.

    Args:
        team: Whose people the file is about.
        source: Who sent the file; auto finds it out.
        file: A file of the team's folder in the inbox.
        dry_run: Only tell what would happen; write nothing.
        your_name: Who starts it; the ledger keeps it.
    """
    settings = load_settings()

    def work() -> list[Outcome]:
        with hold_run(settings) as run_id:
            with warehouse.connected(settings) as connection:
                found = find_team(connection, team)
            request = Request(
                settings.inbox / found.team_id / file.rpartition("/")[2],
                found.team_id,
                source,
                is_dry_run=dry_run,
                started_by=your_name.strip() or "Prefect UI",
                import_id=import_id_of(run_id),
                origin="analyst",
                run_id=run_id,
            )
            outcomes = _list_earlier(request, settings)
            if not outcomes:
                if source != AUTO:
                    load_source(source)
                inbox.find_file(settings, found, file)
                outcomes = import_in_run(request, settings)
            name_run(visible(f"{found.team_id}/{outcomes[0].source} {request.path.name}"))
            if not dry_run:
                outcomes = [_settle(outcome, run_id, settings) for outcome in outcomes]
            if all(outcome.status == "done" for outcome in outcomes):
                _clear_inbox(request, outcomes, settings)
            return outcomes

    return end(work, settings)


def _list_earlier(request: Request, settings: Settings) -> list[Outcome]:
    """The imports of a run that began before, if it is through with its file; else nothing."""
    if decided := _list_decided(request.run_id, settings):
        return decided
    if has_asked(request.run_id) or not request.path.exists():
        # Resumed, it goes on from the landed copy, whatever became of the file.
        return list_closed(request, settings)
    # Of an archive some members may not have had their turn; what is done stays so.
    return []


def _list_decided(run_id: str, settings: Settings) -> list[Outcome]:
    """The imports of a run whose process died while it carried out what was decided."""
    with warehouse.connected(settings) as connection:
        entries = ledger.list_of_run(connection, run_id)
    is_decided = any("decision" in hold for entry in entries for hold in entry.holds)
    return [Outcome.of_entry(entry) for entry in entries] if is_decided else []


def _settle(outcome: Outcome, run_id: str, settings: Settings) -> Outcome:
    if outcome.status not in ("held", "running", "failed"):
        return outcome
    tell = publish_outcome(settings)
    progress = RunProgress(outcome.import_id, outcome.team_id, outcome.file_name)
    return settle(outcome.import_id, run_id, settings, progress, STEPS, tell)


def _clear_inbox(request: Request, outcomes: Sequence[Outcome], settings: Settings) -> None:
    """Take the file out of the inbox, now that it is in."""
    with warehouse.connected(settings) as connection:
        imported = list_imported(connection, [each.import_id for each in outcomes])
    inbox.clear(settings, request.team, request.path, imported)


@flow(name="import-path", flow_run_name=_run_name, validate_parameters=True, persist_result=False)
def import_path(
    team: str, source: str, path: Path, dry_run: bool = False, plan: Path | None = None
) -> State[list[Outcome]]:
    """Fold any file of this machine into a team's people: for the command line, not for a form.

    Args:
        team: Name or id of the team.
        source: Name of the contract by which the file is read.
        path: The file, as this machine sees it.
        dry_run: Only tell what would happen.
        plan: Write what changes to this file, CSV or Parquet, on this machine.
    """
    settings = load_settings()

    def work() -> list[Outcome]:
        if plan:
            check_plan_file(plan, path)
        with hold_run(settings) as run_id:
            request = Request(
                path,
                team,
                source,
                is_dry_run=dry_run,
                import_id=import_id_of(run_id),
                plan_file=plan,
                run_id=run_id,
            )
            return import_in_run(request, settings)

    return end(work, settings)


def run(request: Request) -> list[Outcome]:
    """Run the flow in this process, which does nothing else after, and give its outcomes."""
    atexit.register(_hush)
    state = import_path(
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
