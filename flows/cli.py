"""The command line ``leadfold``. Heavy imports stand where they are used: help is instant."""

import json
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import click

from contracts.errors import LeadfoldError, WrongCallError
from flows.cli_adopt import adopt
from flows.cli_decide import decide
from flows.cli_erase import erase, maintain
from flows.cli_feeds import feeds, sync
from flows.cli_import import import_files
from flows.cli_ops import doctor, metrics, verify
from flows.cli_people import export_person, history, why
from flows.cli_review import review
from flows.cli_rules import rules
from flows.cli_run import deploy, up
from flows.cli_teams import policies, refold, teams
from flows.cli_undo import undo
from flows.settings import load_settings


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="leadfold")
def leadfold() -> None:
    """Fold files of people into one clean Postgres."""


leadfold.add_command(import_files)
leadfold.add_command(feeds)
leadfold.add_command(sync)
leadfold.add_command(teams)
leadfold.add_command(policies)
leadfold.add_command(refold)
leadfold.add_command(undo)
leadfold.add_command(decide)
leadfold.add_command(review)
leadfold.add_command(why)
leadfold.add_command(history)
leadfold.add_command(export_person)
leadfold.add_command(erase)
leadfold.add_command(maintain)
leadfold.add_command(up)
leadfold.add_command(deploy)
leadfold.add_command(doctor)
leadfold.add_command(verify)
leadfold.add_command(adopt)
leadfold.add_command(rules)
leadfold.add_command(metrics)


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
    from flows import candidates, import_issues, ledger, report, terminal, warehouse
    from flows.jobs import Outcome
    from flows.plan_report import kept_lines, remarks

    with warehouse.connected(load_settings()) as connection:
        entry = ledger.find_import(connection, import_id)
        issues = import_issues.list_issues(connection, entry)
        held = candidates.count_held(connection, entry)
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
        click.echo(report.rejects_hint(entry, issues))


@leadfold.command()
@click.argument("import_id", metavar="IMPORT")
@click.option("--csv", "csv_path", type=click.Path(path_type=Path), help="Write them to a file.")
def rejects(import_id: str, csv_path: Path | None) -> None:
    """Show the rows that an import did not load, as they came, with the reason."""
    from flows import import_issues, ledger, report, terminal, warehouse

    with warehouse.connected(load_settings()) as connection:
        entry = ledger.find_import(connection, import_id)
        issues = import_issues.list_issues(connection, entry, "reject")
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
    if arguments is None:
        # As a program. Where it is installed, Pandera has it make up data for tests: 0.2 s.
        sys.modules.setdefault("hypothesis", None)  # type: ignore[arg-type]
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


if __name__ == "__main__":
    main()
