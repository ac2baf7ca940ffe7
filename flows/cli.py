"""The command line ``leadfold``. Heavy imports stand where they are used: help is instant."""

import json
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from contracts.errors import LeadfoldError, WrongCallError
from flows.cli_erase import erase, maintain
from flows.cli_people import export_person, history, why
from flows.cli_review import review
from flows.cli_teams import policies, refold, teams
from flows.cli_undo import undo
from flows.settings import load_settings

if TYPE_CHECKING:
    from flows.jobs import Outcome, Request


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="leadfold")
def leadfold() -> None:
    """Fold files of people into one clean Postgres."""


leadfold.add_command(teams)
leadfold.add_command(policies)
leadfold.add_command(refold)
leadfold.add_command(undo)
leadfold.add_command(review)
leadfold.add_command(why)
leadfold.add_command(history)
leadfold.add_command(export_person)
leadfold.add_command(erase)
leadfold.add_command(maintain)


@leadfold.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--team", required=True, help="Name or id of the team.")
@click.option(
    "--source", required=True, help="Contract by which the files are read; auto: find out."
)
@click.option("--dry-run", is_flag=True, help="Only tell what would happen.")
@click.option("--new-team", is_flag=True, help="Add the team if it is not there.")
@click.option("--region", show_default="US", help="Country of a new team's numbers without '+'.")
@click.option("--json", "as_json", is_flag=True, help="One object per file, for scripts.")
@click.option(
    "--plan",
    type=click.Path(path_type=Path),
    help="Write all that changes to this .csv or .parquet file.",
)
@click.option("--prefect", is_flag=True, help="Run as Prefect flow.")
def import_files(
    files: tuple[Path, ...],
    team: str,
    source: str,
    dry_run: bool,
    new_team: bool,
    region: str | None,
    as_json: bool,
    plan: Path | None,
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

    if source != "auto":
        load_source(source)
    for path in files:
        check_path(path)
    if plan and len(files) > 1:
        raise WrongCallError("--plan is for one file at a time: each import has its own plan.")
    if plan:
        check_plan_file(plan, files[0])
    with warehouse.connected(load_settings()) as connection:
        draft = ensure_team(connection, team, region, may_add=new_team, is_dry_run=dry_run)
    if draft and prefect:
        raise WrongCallError("A dry run for a new team cannot be a flow. Leave out --prefect.")
    outcomes: list[Outcome] = []
    for path in files:
        request = Request(path, team, source, is_dry_run=dry_run, new_team=draft, plan_file=plan)
        found = _import_one(request, is_quiet=as_json, prefect=prefect)
        outcomes += found
        if as_json:
            for outcome in found:
                click.echo(json.dumps(report.to_json(outcome)))
    if not as_json:
        _show_outcomes(outcomes, plan)
    if not all(outcome.is_good for outcome in outcomes):
        sys.exit(1)


@leadfold.command("inspect")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--write", type=click.Path(path_type=Path), help="Save the proposed contract.")
@click.option("--region", default="US", show_default=True, help="Country of numbers without '+'.")
def inspect(file: Path, write: Path | None, region: str) -> None:
    """Show how FILE is written, its first rows, and which contract fits; import nothing."""
    from flows import terminal
    from flows.inspecting import inspect_file
    from flows.inspecting_report import inspection_lines

    found = inspect_file(file, region)
    for inspection in found:
        terminal.show(*inspection_lines(inspection))
    if write:
        proposals = [inspection.proposal for inspection in found if inspection.proposal]
        if not proposals:
            raise WrongCallError(f"'{file}' fits a contract exactly; there is none to write.")
        write.write_text(proposals[0], encoding="utf-8")
        click.echo(f"Contract written to {write}.")


@leadfold.command("imports")
@click.option("--team", help="Only of this team.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One object per import.")
def list_imports(team: str | None, limit: int, as_json: bool) -> None:
    """List the newest imports."""
    from flows import ledger, report, terminal, warehouse
    from flows.jobs import Outcome
    from flows.teams import find_team

    with warehouse.connected(load_settings()) as connection:
        team_id = find_team(connection, team).team_id if team else None
        entries = ledger.list_imports(connection, team_id, limit)
    if as_json:
        for entry in entries:
            click.echo(json.dumps(report.to_json(Outcome.of_entry(entry))))
    elif entries:
        terminal.show(report.imports_table(entries))
    else:
        click.echo("There are no imports yet. Start one: leadfold import FILE --team T --source S")


@leadfold.command()
@click.argument("import_id", metavar="IMPORT")
@click.option("--json", "as_json", is_flag=True, help="One object.")
def show(import_id: str, as_json: bool) -> None:
    """Show one import: its counts, what it wrote, what was wrong. The end of its id is enough."""
    from flows import ledger, report, terminal, warehouse
    from flows.jobs import Outcome
    from flows.plan_report import kept_lines, remarks

    with warehouse.connected(load_settings()) as connection:
        entry = ledger.find_import(connection, import_id)
        issues = ledger.list_issues(connection, entry)
        held = ledger.count_held(connection, entry)
    if as_json:
        told = {**report.to_json(Outcome.of_entry(entry)), "cause": entry.cause}
        click.echo(json.dumps(told))
        return
    terminal.show(*report.entry_lines(entry))
    terminal.show(*kept_lines(entry.kept))
    for line in remarks(entry, held):
        click.echo(line)
    if issues:
        terminal.show(report.issue_counts(issues))
        click.echo(f"The rejected rows: leadfold rejects {entry.import_id}")


@leadfold.command()
@click.argument("import_id", metavar="IMPORT")
@click.option("--csv", "csv_path", type=click.Path(path_type=Path), help="Write them to a file.")
def rejects(import_id: str, csv_path: Path | None) -> None:
    """Show the rows that an import did not load, as they came, with the reason."""
    from flows import ledger, report, terminal, warehouse

    with warehouse.connected(load_settings()) as connection:
        entry = ledger.find_import(connection, import_id)
        issues = ledger.list_issues(connection, entry, "reject")
    if csv_path:
        try:
            rows = report.write_rejects(csv_path, entry, issues)
        except OSError as error:
            raise WrongCallError(f"Cannot write '{csv_path}': {error.strerror}.") from error
        click.echo(f"{rows:,} rejected rows written to {csv_path}.")
    elif issues:
        terminal.show(report.issues_table(issues))
    else:
        click.echo(f"{entry.import_id} rejected no row.")


@leadfold.command()
def migrate() -> None:
    """Bring the database's schema up to date. Every command does so by itself before it works."""
    from flows import warehouse

    with closing(warehouse.open_connection(load_settings(), "leadfold migrate")) as connection:
        applied = warehouse.migrate(connection)
    for name in applied:
        click.echo(f"Applied {name}.")
    if not applied:
        click.echo("The schema is up to date.")


@leadfold.command()
def dsn() -> None:
    """Print the address of the database in use, for psql and other tools."""
    from flows import warehouse

    click.echo(warehouse.find_database(load_settings()))


@leadfold.command()
def stop() -> None:
    """Stop the embedded Postgres. The next command starts it again."""
    from flows import local_postgres

    was_running = local_postgres.stop(load_settings().home)
    click.echo("Stopped." if was_running else "It was not running.")


@leadfold.command()
def demo() -> None:
    """Import the samples into a database of their own, twice, and show what came of it."""
    from flows.demo import run_demo
    from flows.terminal import make_console

    run_demo(load_settings(), make_console())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; a fault that people can act on is a sentence and an exit code."""
    try:
        leadfold.main(arguments, prog_name="leadfold", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped. Nothing half-done was written.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read has seen enough. Python would complain once more as it closes the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except SystemExit:
        raise
    except BaseException as error:  # a panic of Polars is no Exception
        if os.environ.get("LEADFOLD_DEBUG") == "1" and not isinstance(error, LeadfoldError):
            raise
        from flows import terminal

        click.echo(f"Error: {terminal.fault(error)}", err=True)
        sys.exit(error.exit_code if isinstance(error, LeadfoldError) else 1)


def _import_one(request: "Request", *, is_quiet: bool, prefect: bool) -> "list[Outcome]":
    if prefect:
        from flows import import_file

        return import_file.run(request)
    from flows.importing import run_import
    from flows.terminal import progress_bar

    with progress_bar(request.path, is_quiet=is_quiet) as progress:
        return run_import(request, load_settings(), progress)


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
        if plan and outcome.changes:
            click.echo(f"\nThe plan is written to {plan}: {outcome.changes.rows:,} rows.")
        elif plan and outcome.is_good:
            click.echo(f"{name}: {terminal.visible(outcome.reason)}", err=True)


if __name__ == "__main__":
    main()
