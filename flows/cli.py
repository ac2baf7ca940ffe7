"""The command line ``leadfold``. Heavy imports stand where they are used: help is instant."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from contracts.errors import LeadfoldError, WrongCallError

if TYPE_CHECKING:
    import psycopg
    from rich.console import Console, RenderableType

    from flows.jobs import Outcome, Progress, Request


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="leadfold")
def leadfold() -> None:
    """Fold files of people into one clean Postgres."""


@leadfold.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="One object per team.")
@click.pass_context
def teams(context: click.Context, as_json: bool) -> None:
    """List the teams, or add one."""
    if context.invoked_subcommand:
        return
    from flows import ledger

    with _connected() as connection:
        found = ledger.list_teams(connection)
    if as_json:
        for team in found:
            click.echo(
                json.dumps({"team_id": team.team_id, "name": team.name, "region": team.region})
            )
        return
    if not found:
        click.echo("There are no teams yet. Add one: leadfold teams add NAME")
    for team in found:
        click.echo(f"{team.name}  (id {team.team_id}, region {team.region}, policy {team.policy})")


@teams.command("add")
@click.argument("name")
@click.option("--region", default="US", show_default=True, help="Country of numbers without '+'.")
def add_team(name: str, region: str) -> None:
    """Add a team; its people never meet those of another."""
    from flows import ledger

    with _connected() as connection:
        team = ledger.add_team(connection, name, region)
    click.echo(f"Added team '{team.name}' (id {team.team_id}, region {team.region}).")


@leadfold.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--team", required=True, help="Name or id of the team.")
@click.option("--source", required=True, help="Contract by which the files are read.")
@click.option("--dry-run", is_flag=True, help="Only tell what would happen.")
@click.option("--new-team", is_flag=True, help="Add the team if it is not there.")
@click.option("--region", default="US", show_default=True, help="Region of a new team.")
@click.option("--json", "as_json", is_flag=True, help="One object per file, for scripts.")
@click.option("--prefect", is_flag=True, help="Run as Prefect flow.")
def import_files(
    files: tuple[Path, ...],
    team: str,
    source: str,
    dry_run: bool,
    new_team: bool,
    region: str,
    as_json: bool,
    prefect: bool,
) -> None:
    """Import FILES, one after the other.

    The exit code is 0 when all are done, 1 when one is held or failed, 2 for a wrong call.
    """
    from contracts.source import load_source
    from flows import ledger, report
    from flows.jobs import Request
    from flows.landing import check_path

    load_source(source)
    for path in files:
        check_path(path)
    with _connected() as connection:
        try:
            ledger.find_team(connection, team)
        except WrongCallError:
            if not new_team:
                raise
            ledger.add_team(connection, team, region)
    outcomes: list[Outcome] = []
    for path in files:
        outcome = _import_one(
            Request(path, team, source, is_dry_run=dry_run), is_quiet=as_json, prefect=prefect
        )
        outcomes.append(outcome)
        if as_json:
            click.echo(json.dumps(report.to_json(outcome)))
    if not as_json:
        _show_outcomes(outcomes)
    if not all(outcome.is_good for outcome in outcomes):
        sys.exit(1)


@leadfold.command("imports")
@click.option("--team", help="Only of this team.")
@click.option("--limit", default=20, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One object per import.")
def list_imports(team: str | None, limit: int, as_json: bool) -> None:
    """List the newest imports."""
    from flows import ledger, report
    from flows.jobs import Outcome

    with _connected() as connection:
        team_id = ledger.find_team(connection, team).team_id if team else None
        entries = ledger.list_imports(connection, team_id, limit)
    if as_json:
        for entry in entries:
            click.echo(json.dumps(report.to_json(Outcome.of_entry(entry))))
    elif entries:
        _print(report.imports_table(entries))
    else:
        click.echo("There are no imports yet. Start one: leadfold import FILE --team T --source S")


@leadfold.command()
@click.argument("import_id", metavar="IMPORT")
@click.option("--json", "as_json", is_flag=True, help="One object.")
def show(import_id: str, as_json: bool) -> None:
    """Show one import: its counts, what it wrote, what was wrong. The end of its id is enough."""
    from flows import ledger, report
    from flows.jobs import Outcome

    with _connected() as connection:
        entry = ledger.find_import(connection, import_id)
        issues = ledger.list_issues(connection, entry)
    if as_json:
        click.echo(json.dumps(report.to_json(Outcome.of_entry(entry))))
        return
    _print(*report.entry_lines(entry))
    if issues:
        _print(report.issue_counts(issues))
        click.echo(f"The rejected rows: leadfold rejects {entry.import_id}")


@leadfold.command()
@click.argument("import_id", metavar="IMPORT")
@click.option("--csv", "csv_path", type=click.Path(path_type=Path), help="Write them to a file.")
def rejects(import_id: str, csv_path: Path | None) -> None:
    """Show the rows that an import did not load, as they came, with the reason."""
    from flows import ledger, report

    with _connected() as connection:
        entry = ledger.find_import(connection, import_id)
        issues = ledger.list_issues(connection, entry, "reject")
    if csv_path:
        try:
            rows = report.write_rejects(csv_path, entry, issues)
        except OSError as error:
            raise WrongCallError(f"Cannot write '{csv_path}': {error.strerror}.") from error
        click.echo(f"{rows:,} rejected rows written to {csv_path}.")
    elif issues:
        _print(report.issues_table(issues))
    else:
        click.echo(f"{entry.import_id} rejected no row.")


@leadfold.command()
def migrate() -> None:
    """Bring the database's schema up to date. Every command does so by itself before it works."""
    from flows import warehouse
    from flows.settings import load_settings

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
    from flows.settings import load_settings

    click.echo(warehouse.find_database(load_settings()))


@leadfold.command()
def stop() -> None:
    """Stop the embedded Postgres. The next command starts it again."""
    from flows import local_postgres
    from flows.settings import load_settings

    was_running = local_postgres.stop(load_settings().home)
    click.echo("Stopped." if was_running else "It was not running.")


@leadfold.command()
def demo() -> None:
    """Import the samples into a database of their own, twice, and show what came of it."""
    from flows.demo import run_demo
    from flows.settings import load_settings

    run_demo(load_settings(), _console())


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
    except LeadfoldError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)


def _import_one(request: "Request", *, is_quiet: bool, prefect: bool) -> "Outcome":
    if prefect:
        from flows import import_file

        return import_file.run(request)
    from flows.importing import run_import
    from flows.settings import load_settings

    with _progress_bar(request.path, is_quiet=is_quiet) as progress:
        return run_import(request, load_settings(), progress)


def _show_outcomes(outcomes: "Sequence[Outcome]") -> None:
    from flows import report

    good = [outcome for outcome in outcomes if outcome.is_good]
    if good:
        _print(report.summary(good))
    for outcome in good:
        click.echo(f"{outcome.file_name}: {outcome.import_id}")
    for outcome in outcomes:
        if not outcome.is_good:
            click.echo(f"{outcome.file_name}: {report.sentence(outcome)}", err=True)


@contextmanager
def _progress_bar(path: Path, *, is_quiet: bool) -> "Iterator[Progress]":
    """Shows step and rows on a terminal, and nothing where nobody looks."""
    from rich.progress import Progress as Bar
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    console = _console(is_error=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Bar(*columns, console=console, transient=True, disable=is_quiet) as bar:
        line = bar.add_task(path.name, total=None)
        yield lambda step, rows: bar.update(line, description=f"{path.name}: {step} {rows:,} rows")


@contextmanager
def _connected() -> "Iterator[psycopg.Connection]":
    from flows import warehouse
    from flows.settings import load_settings

    with warehouse.answering(), closing(warehouse.connect(load_settings())) as connection:
        yield connection


def _console(*, is_error: bool = False) -> "Console":
    from rich.console import Console

    return Console(stderr=is_error, highlight=False)


def _print(*lines: "RenderableType") -> None:
    console = _console()
    for line in lines:
        console.print(line)


if __name__ == "__main__":
    main()
