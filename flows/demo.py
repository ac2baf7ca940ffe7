"""The demo: the samples, imported into a database of their own, those of people twice."""

import dataclasses
import shutil
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from rich.console import Console

from contracts.errors import WrongCallError
from flows import import_issues, ledger, local_postgres, report, teams, terminal, warehouse
from flows.importing import run_import
from flows.jobs import Outcome, Request
from flows.settings import Settings

DATABASE = "leadfold_demo"
TEAM = "Acme Homes"
SAMPLES = (
    ("hubspot_contacts.csv", "hubspot"),
    ("salesforce_contacts.csv", "salesforce"),
    ("vendor_list.csv", "generic"),
)
OTHERS = (
    ("business_list.csv", "business_list"),
    ("skiptrace_results.csv", "skiptrace"),
    ("webhook_deliveries.jsonl", "webhook_lead"),
)
_RULES = "rules.yaml"
_FOLDER = Path(__file__).resolve().parent.parent / "data" / "samples"


def run_demo(settings: Settings, console: Console) -> list[Outcome]:
    """Import the samples twice and show what came of it.

    Runs in a fresh database of the embedded Postgres, whatever LEADFOLD_DATABASE_URL says: a demo
    touches nobody's data.

    Raises:
        WrongCallError: The samples are not there; they come with the checkout only.
    """
    if not _FOLDER.is_dir():
        raise WrongCallError(f"The demo needs the samples of a checkout; {_FOLDER} is not there.")
    terminal.plain(console, f"Starting the embedded Postgres under {settings.home} ...")
    address = local_postgres.recreate_database(settings.home, DATABASE)
    settings = dataclasses.replace(settings, database_url=address)
    with closing(warehouse.connect(settings)) as connection:
        teams.add_team(connection, TEAM)
        console.rule("Three files of one population, imported", align="left")
        first = _import_samples(settings, SAMPLES)
        console.print(report.summary(first))
        console.rule("People that stand in several files", align="left")
        _show_people(connection, console)
        console.rule("Rows that were not loaded, and cells that were not kept", align="left")
        for outcome in first:
            terminal.plain(console, f"\n{outcome.file_name}")
            entry = ledger.find_import(connection, outcome.import_id)
            console.print(report.issue_counts(import_issues.list_issues(connection, entry)))
        console.rule("The same three files again", align="left")
        second = _import_samples(settings, SAMPLES)
        console.print(report.summary(second))
        terminal.plain(console, "Nothing was written but the ledger: the database had it all.\n")
        console.rule("Businesses, skip-trace results, recorded deliveries", align="left")
        others = _import_others(settings)
        console.print(report.summary(others))
        _show_rows(connection, console, others)
    terminal.plain(console, f"Look at the result:\n  {local_postgres.psql()} '{address}'")
    terminal.plain(
        console,
        f"  LEADFOLD_DATABASE_URL='{address}' .venv/bin/leadfold imports\n"
        "Your own file, in your own database:\n"
        "  .venv/bin/leadfold import FILE --team TEAM --source generic --new-team --dry-run",
    )
    return first + second + others


def _import_samples(settings: Settings, samples: Sequence[tuple[str, str]]) -> list[Outcome]:
    return [
        outcome
        for name, source in samples
        for outcome in run_import(Request(_FOLDER / name, TEAM, source), settings)
    ]


def _import_others(settings: Settings) -> list[Outcome]:
    """What arrives beside people, in a home of its own, in which the rules of boards are."""
    with TemporaryDirectory() as folder:
        home = Path(folder)
        shutil.copy(_FOLDER / _RULES, home / _RULES)
        return _import_samples(dataclasses.replace(settings, home=home), OTHERS)


def _show_rows(
    connection: psycopg.Connection, console: Console, outcomes: Sequence[Outcome]
) -> None:
    """What each file brought besides people, and on which boards its leads are."""
    for outcome in outcomes:
        written = report.effects_sentence(outcome.effects)
        terminal.plain(console, f"{outcome.file_name}: {written}.")
    terminal.plain(console, f"\nWhere the rules of {_RULES} put their leads:")
    table = terminal.make_table("board", "leads")
    for board, leads in connection.execute(
        "SELECT board_name, count(*) FROM leads WHERE board_name IS NOT NULL GROUP BY 1 ORDER BY 2"
    ).fetchall():
        table.add_row(board, f"{leads:,}")
    console.print(table)
    terminal.plain(console, "")


def _show_people(connection: psycopg.Connection, console: Console) -> None:
    """How many there are, and some of them with what each file called them."""
    counts = connection.execute(
        "SELECT files, count(*) FROM (SELECT count(DISTINCT source_file) AS files FROM leads"
        " GROUP BY persona_id) AS people GROUP BY files ORDER BY files"
    ).fetchall()
    for files, people in counts:
        terminal.plain(
            console, f"{people:,} people stand in {files} file{'s' if files > 1 else ''}"
        )
    sources = ", ".join(sorted(source for _, source in SAMPLES))
    terminal.plain(console, f"\nFive of those who stand in all three ({sources}):")
    table = terminal.make_table("person", "phone", "email")
    people = connection.execute(
        "SELECT concat_ws(' ', p.first_name, p.last_name), p.phone, p.email"
        " FROM personas AS p JOIN leads AS l USING (team_id, persona_id)"
        " GROUP BY p.team_id, p.persona_id HAVING count(DISTINCT l.source_file) = 3"
        " ORDER BY p.phone, p.persona_id LIMIT 5"
    ).fetchall()
    for person in people:
        table.add_row(*(cell or "" for cell in person))
    console.print(table)
