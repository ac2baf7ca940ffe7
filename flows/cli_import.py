"""The command ``leadfold import``. Heavy imports stand where they are used."""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from contracts.errors import WrongCallError
from flows.settings import load_settings

if TYPE_CHECKING:
    from contracts.feeds import Feed
    from flows.jobs import Outcome, Request


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--team", default="", help="Name or id of the team.")
@click.option("--source", default="", help="Contract by which the files are read; auto: find out.")
@click.option("--feed", "feed_id", default="", help="Feed whose files these are: says both.")
@click.option("--dry-run", is_flag=True, help="Only tell what would happen.")
@click.option("--new-team", is_flag=True, help="Add the team if it is not there.")
@click.option("--region", show_default="US", help="Country of a new team's numbers without '+'.")
@click.option("--json", "as_json", is_flag=True, help="One object per file, for scripts.")
@click.option(
    "--plan",
    type=click.Path(path_type=Path),
    help="Write all that changes to this .csv or .parquet file.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    help="Chunks of a file that are read at a time.  [default: one per core]",
)
@click.option("--times", is_flag=True, help="Tell how long each step took.")
@click.option("--prefect", is_flag=True, help="Run as Prefect flow.")
def import_files(
    files: tuple[Path, ...],
    team: str,
    source: str,
    feed_id: str,
    dry_run: bool,
    new_team: bool,
    region: str | None,
    as_json: bool,
    plan: Path | None,
    workers: int | None,
    times: bool,
    prefect: bool,
) -> None:
    """Import FILES, one after the other.

    The exit code is 0 when all are done, 1 when one is held or failed, 2 for a wrong call.
    """
    from contracts.registry import load_source
    from flows import report, warehouse
    from flows.jobs import Request
    from flows.landing import check_path
    from flows.plan_files import check_plan_file
    from flows.teams import ensure_team

    feed = _find_feed(feed_id, team, source, prefect=prefect) if feed_id else None
    if feed:
        team, source = feed.team, feed.source
    for option, given in (("--team", team), ("--source", source)):
        if not given:
            raise click.UsageError(f"Missing option '{option}'.")
    if source != "auto":
        load_source(source)
    for path in files:
        check_path(path)
    if times and prefect:
        raise WrongCallError("Prefect keeps the times of a flow's tasks. Leave out --times.")
    if plan and len(files) > 1:
        raise WrongCallError("--plan is for one file at a time: each import has its own plan.")
    if plan:
        check_plan_file(plan, files[0])
    with warehouse.connected(load_settings()) as connection:
        draft = ensure_team(connection, team, region, may_add=new_team, is_dry_run=dry_run)
    if workers and prefect:
        raise WrongCallError("A flow takes --workers from LEADFOLD_THREADS. Leave out --prefect.")
    if draft and prefect:
        raise WrongCallError("A dry run for a new team cannot be a flow. Leave out --prefect.")
    outcomes: list[Outcome] = []
    for path in files:
        request = Request(*(path, team, source, dry_run), new_team=draft, plan_file=plan, feed=feed)
        found, seconds = _import_one(request, workers, is_quiet=as_json, prefect=prefect)
        outcomes += found
        timed = {"seconds": seconds} if times else {}
        if as_json:
            for outcome in found:
                click.echo(json.dumps(report.to_json(outcome) | timed))
        elif times:
            click.echo(", ".join(f"{step} {took:.2f} s" for step, took in seconds.items()))
    if not as_json:
        _show_outcomes(outcomes, plan)
    if not all(outcome.is_good for outcome in outcomes):
        sys.exit(1)


def _find_feed(feed_id: str, team: str, source: str, *, prefect: bool) -> "Feed":
    from flows.feeds import find_feed

    feed = find_feed(load_settings(), feed_id, team)
    if source and source != feed.source:
        raise WrongCallError(f"Feed '{feed_id}' is of source {feed.source}. Leave out --source.")
    if prefect:
        raise WrongCallError("--feed cannot be run as a flow. Leave out --prefect.")
    return feed


def _import_one(
    request: "Request", workers: int | None, *, is_quiet: bool, prefect: bool
) -> "tuple[list[Outcome], dict[str, float]]":
    """What became of a file, and the seconds of each step; of a flow they stand in Prefect."""
    if prefect:
        from flows import import_file

        return import_file.run(request), {}
    from flows.importing import run_import
    from flows.stopwatch import Stopwatch
    from flows.terminal import progress_bar

    with progress_bar(request.path, is_quiet=is_quiet) as progress:
        settings = load_settings()
        if workers:
            settings = replace(settings, threads=workers)
        watch = Stopwatch(progress)
        outcomes = run_import(request, settings, watch)
        watch.end()
        return outcomes, watch.seconds


def _show_outcomes(outcomes: "Sequence[Outcome]", plan: Path | None) -> None:
    from flows import report, terminal
    from flows.plan_report import plan_lines

    if good := [outcome for outcome in outcomes if outcome.is_good]:
        terminal.show(report.summary(good))
    for outcome in outcomes:
        name = terminal.visible(outcome.file_name)
        if outcome.status == "done":
            click.echo(f"{name}: {outcome.import_id}")
        elif outcome.status == "dry_run":
            terminal.show(*plan_lines(outcome))
        else:
            click.echo(f"{name}: {report.sentence(outcome)}", err=True)
        if outcome.status == "held" and outcome.import_id:
            how = "--apply, --reject or --source SOURCE"
            click.echo(f"To decide: leadfold decide {outcome.import_id} with {how}", err=True)
        if plan and outcome.changes:
            click.echo(f"\nThe plan is written to {plan}: {outcome.changes.rows:,} rows.")
        elif plan and outcome.is_good:
            click.echo(f"{name}: {terminal.visible(outcome.reason)}", err=True)
