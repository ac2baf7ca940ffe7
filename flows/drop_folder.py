"""The drop folder as Prefect flows: one imports a team's files, one sees that nothing is left."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows import forms, report, warehouse
from flows.asking import ask_pending
from flows.dashboard import publish_dashboard
from flows.drop_claims import clean_name
from flows.drop_runs import start_imports, teams_with_work
from flows.dropping import (
    Ended,
    import_dropped_files,
    list_abandoned,
    list_ready,
    refuse_nobodys,
    settle_held,
)
from flows.feed_schedules import try_schedules
from flows.jobs import Outcome, Request
from flows.run_imports import end, import_in_run
from flows.runs import hold_run
from flows.settings import Settings, load_settings
from flows.teams import find_team
from flows.terminal import visible
from flows.waiting import HELD
from flows.workspace import try_lock
from transforms.plan import NO_ROWS, Counts

# A report for each of a few files; of more, one table.
_FEW = 10


def _name_run() -> str:
    """``acme: 37 dropped files``, or ``acme/auto leads.csv`` where there is one."""
    settings = load_settings()
    with warehouse.connected(settings) as connection:
        team_id = find_team(connection, flow_run.get_parameters()["team"]).team_id
    claims = [each for each in list_abandoned(settings) if each.team_id == team_id]
    ready = [each for each in list_ready(settings) if each.team_id == team_id]
    files = [(each.source, each.name) for each in claims]
    files += [(each.source, clean_name(each.path.name)) for each in ready]
    if len(files) == 1:
        return f"{team_id}/{files[0][0]} {files[0][1]}"
    return f"{team_id}: {len(files)} dropped files"


@flow(name="import-dropped", flow_run_name=_name_run, validate_parameters=True)
def import_dropped(team: str) -> State[Any]:
    """Import all that lies ready in a team's drop folder, one file after the other.

    Args:
        team: Name or id of the team.
    """
    settings = load_settings()
    ended: list[Ended] = []
    state = end(lambda: _import_all(team, settings, ended), settings)
    return _sum_up(ended, settings) if state.is_completed() else state


def _import_all(team: str, settings: Settings, ended: list[Ended]) -> list[Outcome]:
    """Do it, and write down what was done as it is done; how it ends is not told by outcomes."""
    logger = get_run_logger()
    with hold_run(settings) as run_id:
        with warehouse.connected(settings) as connection:
            found = find_team(connection, team)
            team_id = found.team_id

        def import_one(request: Request) -> list[Outcome]:
            request = replace(request, run_id=run_id)
            return import_in_run(request, settings, publishes=len(ended) < _FEW)

        with try_lock(settings.runs / f"dropped-{team_id}.lock") as is_mine:
            if not is_mine:
                logger.info("Another run imports the files of %s already.", team_id)
                return []
            for each in import_dropped_files(found, settings, import_one):
                ended.append(each)
                logger.info("%s: %s, now in %s", each.claim.name, each.status, each.path.parent)
        if len(ended) > _FEW:
            _publish(team_id, ended)
    return []


@flow(name="drop-folder", validate_parameters=True)
def drop_folder() -> State[Any]:
    """See that nothing is left over: files, decisions and forms that a watcher or crash missed."""
    settings = load_settings()
    said: list[str] = []
    state = end(lambda: _look_after(settings, said), settings)
    return Completed(message=" ".join(said)) if state.is_completed() else state


def _look_after(settings: Settings, said: list[str]) -> list[Outcome]:
    with hold_run(settings):
        ended = settle_held(settings)
        ready = list_ready(settings)
        ended += refuse_nobodys(settings, ready)
        started = start_imports(settings, teams_with_work(settings, ready))
        asked = ask_pending(settings)
        forms.refresh(settings)
        try_schedules(settings)
        publish_dashboard(settings)
    said.append(f"Teams whose files are imported now: {len(started)}.")
    said.append(f"Files moved to where they belong: {len(ended)}.")
    said.append(f"Held imports about which somebody is asked again: {asked}.")
    return []


def _publish(team_id: str, ended: Sequence[Ended]) -> None:
    """A table of what became of each file of a batch."""
    create_table_artifact(
        [
            {
                "file": each.claim.name,
                "status": each.status,
                **{
                    label: getattr(_count(each), name)
                    for name, label in report.COUNT_LABELS.items()
                },
                "import": each.claim.import_id if each.outcomes else "",
            }
            for each in ended
        ],
        key=f"dropped-{team_id.replace('_', '-')}",
        description=f"{len(ended)} dropped files into {team_id}",
    )


def _count(ended: Ended) -> Counts:
    """The rows of a file; of an archive, those of all members."""
    counts = [outcome.counts for outcome in ended.outcomes] or [NO_ROWS]
    return Counts(*map(sum, zip(*counts, strict=True)))


def _sum_up(ended: Sequence[Ended], settings: Settings) -> State[Any]:
    """The run's last state: what became of the files, in a sentence."""
    if not ended:
        return Completed(message="There was nothing to import any more.")
    found = Counter(each.status for each in ended)
    if len(ended) == 1 and ended[0].outcomes:
        message = " ".join(report.public_sentence(each, settings) for each in ended[0].outcomes)
    else:
        counts = Counts(*map(sum, zip(*map(_count, ended), strict=True)))
        files = ", ".join(f"{count:,} {status}" for status, count in found.items())
        rows = ", ".join(
            f"{getattr(counts, name):,} {label}"
            for name, label in report.COUNT_LABELS.items()
            if name in ("landed", "inserted", "updated", "rejected")
        )
        message = f"{len(ended):,} files: {files}. {rows}."
        if named := [
            visible(each.claim.name) for each in ended if each.status in ("failed", "held")
        ]:
            more = f" and {len(named) - _FEW:,} more" if len(named) > _FEW else ""
            message += f" Not in: {', '.join(named[:_FEW])}{more}."
    if found["failed"] or found["held"]:
        return Failed(name="Failed" if found["failed"] else HELD, message=message)
    return Completed(message=message)
