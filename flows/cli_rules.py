"""The command ``leadfold rules``. Heavy imports stand where they are used."""

import json
from pathlib import Path

import click

from flows.settings import load_settings


@click.group()
def rules() -> None:
    """The rules of rules.yaml, by which leads are put on boards."""


@rules.command("test")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, exists=True))
@click.option("--team", required=True, help="Whose rules.")
@click.option("--source", default="auto", show_default=True, help="Who made the file.")
@click.option("--json", "as_json", is_flag=True, help="One object, for scripts.")
def test_rules(path: Path, team: str, source: str, as_json: bool) -> None:
    """Show which rule takes how many rows of FILE. Nothing is imported.

    Every row that can be loaded is counted, whether it is known or not; a lead that is not new and
    does not change stays where it is, and so does one whose board somebody chose by hand.
    """
    from flows.rules_report import taken_lines
    from flows.rules_test import count_taken
    from flows.terminal import show

    found = count_taken(path, team, source, load_settings())
    if as_json:
        click.echo(json.dumps([each._asdict() for each in found]))
    else:
        show(*taken_lines(found))
