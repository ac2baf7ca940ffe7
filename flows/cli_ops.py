"""The commands ``leadfold metrics``, ``doctor`` and ``verify``. Heavy imports stand where used."""

import json
import sys
from collections import Counter
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from contracts.errors import WrongCallError
from flows.settings import load_settings

if TYPE_CHECKING:
    from flows.checks import Finding


@click.command()
def metrics() -> None:
    """Print what the ledger says of all imports, as Prometheus reads it.

    Rows, duplicates prevented, people created and changed, times and errors by team and source,
    and the two promises to the business.
    """
    from flows import warehouse
    from flows.metrics import write_metrics

    with warehouse.connected(load_settings(), "leadfold metrics") as connection:
        click.echo(write_metrics(connection), nl=False)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One object, for scripts.")
def doctor(as_json: bool) -> None:
    """Look at everything that an import needs, and say what to do where something is wrong.

    Database, migrations, constraints, files, disk, packages, settings, Prefect. Nothing is changed.
    The exit code is 0 when all is well, warnings allowed, and 1 when something is wrong.
    """
    from flows.doctor import examine

    settings = load_settings()
    found = []
    for finding in examine(settings):
        found.append(finding)
        if not as_json:
            _show(finding)
    counts = Counter(finding.status for finding in found)
    if as_json:
        told = [finding.to_json() for finding in found]
        click.echo(json.dumps({"is_well": not counts["wrong"], "findings": told}))
    else:
        click.echo(
            f"\n{counts['ok']:,} well, {counts['warning']:,} to look at, {counts['wrong']:,} wrong."
        )
    if counts["wrong"]:
        sys.exit(1)


@click.command()
@click.option("--database", default="", help="An adopted database that is not Leadfold's own.")
@click.option("--json", "as_json", is_flag=True, help="One object, for scripts.")
def verify(database: str, as_json: bool) -> None:
    """Try out that no key can stand in the database twice, and count what does.

    Of each key of the data model: whether its unique index is there and valid; whether a duplicate
    within a team is refused, the same value in another team is taken, and another value in the same
    team is taken (tried with rows of its own, in a transaction that is rolled back); how many
    duplicates there are. Keys of adopted tables (leadfold adopt) are among them. Nothing is
    changed.

    The exit code is 0 when all is well, and 1 when something is wrong.
    """
    from flows import warehouse
    from flows.adopt.verifying import verify_adopted
    from flows.verify_report import verified_lines
    from flows.verifying import verify as look

    settings = load_settings()
    if database:
        settings = replace(settings, database_url=database)
        opened = warehouse.open_connection(settings, "leadfold verify")
        with warehouse.answering(), closing(opened) as connection:
            found = list(verify_adopted(connection))
        if not found:
            raise WrongCallError("Nothing was adopted in this database (leadfold adopt).")
    else:
        with warehouse.connected(settings, "leadfold verify") as connection:
            found = list(look(connection))
    is_well = all(each.is_well for each in found)
    if as_json:
        keys = [each.to_json() for each in found]
        click.echo(json.dumps({"is_well": is_well, "keys": keys}))
    else:
        from flows.terminal import show

        show(*verified_lines(found))
    if not is_well:
        sys.exit(1)


def _show(finding: "Finding") -> None:
    from flows.terminal import visible

    colour = {"ok": "green", "warning": "yellow", "wrong": "red"}[finding.status]
    status = click.style(f"{finding.status:8}", fg=colour)
    click.echo(f"{status}{finding.area:10}{visible(finding.says)}")
    for line in finding.remedy.splitlines():
        click.echo(f"{'':18}-> {visible(line.strip())}")
