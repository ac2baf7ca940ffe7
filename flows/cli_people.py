"""The commands about single people: why they are so, how that came, all that is held of them."""

import json
from pathlib import Path

import click

from flows.settings import load_settings

_TEAM = "Name or id of the team; needed where several teams know the person."


@click.command()
@click.argument("persona")
@click.option("--team", help=_TEAM)
@click.option("--json", "as_json", is_flag=True, help="One object, for scripts.")
def why(persona: str, team: str | None, as_json: bool) -> None:
    """Show why PERSONA is as it is: its records, what it is found by, and what won each field.

    PERSONA is an id or the end of one, a phone, an email, or the id of a source's record. The exit
    code is 2 where that is nobody, or several people.
    """
    from flows import explain_report, terminal, warehouse
    from flows.explaining import as_of_now, explain
    from flows.finding import find_person

    settings = load_settings()
    with warehouse.connected(settings) as connection, as_of_now(connection):
        told = explain(connection, find_person(connection, persona, team), settings)
    if as_json:
        click.echo(json.dumps(explain_report.to_json(told)))
    else:
        terminal.show(*explain_report.explanation_lines(told))


@click.command()
@click.argument("persona")
@click.option("--team", help=_TEAM)
@click.option("--json", "as_json", is_flag=True, help="One object, for scripts.")
def history(persona: str, team: str | None, as_json: bool) -> None:
    """Show who changed what of PERSONA, when, and by which import; the oldest first.

    PERSONA is named as for `leadfold why`. Those who were merged into it are in it.
    """
    from flows import history_report, terminal, warehouse
    from flows.explaining import as_of_now
    from flows.finding import find_person
    from flows.histories import tell_history

    settings = load_settings()
    with warehouse.connected(settings) as connection, as_of_now(connection):
        told = tell_history(connection, find_person(connection, persona, team), settings)
    if as_json:
        click.echo(json.dumps(history_report.to_json(told)))
    else:
        terminal.show(*history_report.history_lines(told))


@click.command("export-person")
@click.argument("persona")
@click.option("--team", help=_TEAM)
@click.option("--output", type=click.Path(path_type=Path), help="Write it to this file.")
def export_person(persona: str, team: str | None, output: Path | None) -> None:
    """Write all that is held about PERSONA as one JSON document, as the person may ask for.

    PERSONA is named as for `leadfold why`. Only its owner can read the file.
    """
    from flows import warehouse
    from flows.explaining import as_of_now
    from flows.exporting import export, write_document
    from flows.finding import find_person

    settings = load_settings()
    with warehouse.connected(settings) as connection, as_of_now(connection):
        document = export(connection, find_person(connection, persona, team), settings)
    if output is None:
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return
    write_document(output, document)
    click.echo(f"All that is held about {document['label']} is written to {output}.")
