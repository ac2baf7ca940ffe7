"""The commands ``leadfold metrics`` and ``leadfold doctor``. Heavy imports stand where used."""

import json
import sys
from collections import Counter
from typing import TYPE_CHECKING

import click

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


def _show(finding: "Finding") -> None:
    from flows.terminal import visible

    colour = {"ok": "green", "warning": "yellow", "wrong": "red"}[finding.status]
    status = click.style(f"{finding.status:8}", fg=colour)
    click.echo(f"{status}{finding.area:10}{visible(finding.says)}")
    for line in finding.remedy.splitlines():
        click.echo(f"{'':18}-> {visible(line.strip())}")
