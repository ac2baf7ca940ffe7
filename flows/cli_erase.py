"""The commands that remove data: one person, or what is older than anybody wants to keep."""

import json
import sys
from typing import TYPE_CHECKING

import click

from flows.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flows.erasing import Erasure


@click.command()
@click.argument("person", metavar="PERSONA|EMAIL|PHONE")
@click.option("--team", default="", help="Name or id of the team; needed if there are several.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be removed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="One object, for scripts.")
def erase(person: str, team: str, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Remove a person everywhere, and keep imports from bringing them back.

    It cannot be undone. What it cannot remove, it names.
    """
    from flows.erasing import run_erase

    settings = load_settings()
    if dry_run or not yes:
        would = run_erase(person, settings, team, is_dry_run=True)
        _show(would, as_json=as_json and dry_run)
        if dry_run:
            return
        click.confirm("This cannot be undone. Erase?", abort=True, err=True)
    _show(run_erase(person, settings, team), as_json=as_json)


def _show(erasure: "Erasure", *, as_json: bool) -> None:
    from flows import terminal

    files = erasure.files
    if as_json:
        said = {
            "import_id": None if erasure.is_dry_run else erasure.import_id,
            "team_id": erasure.team_id,
            "is_dry_run": erasure.is_dry_run,
            "personas": list(erasure.persona_ids),
            "effects": erasure.effects,
            "hashes": erasure.hashes,
            "shared_values": erasure.shared,
            "records_in_files": files.records,
            "files_rewritten": [str(path) for path in files.rewritten],
            "files_deleted": [str(path) for path in files.deleted],
            "remains": list(erasure.remains),
        }
        click.echo(json.dumps(said))
        return
    for line in _lines(erasure):
        click.echo(terminal.visible(line))


def _lines(erasure: "Erasure") -> "Iterator[str]":
    from flows import report

    files = erasure.files
    word = "would be removed" if erasure.is_dry_run else "removed"
    if not erasure.persona_ids:
        yield "Nobody of the team is known by that; only traces of it are looked for."
    yield f"Rows, {word}: {report.effects_sentence(erasure.effects)}."
    yield f"Records in files, {word}: {files.records:,}."
    yield from (f"  {path}" for path in files.rewritten)
    if files.deleted:
        yield f"Files that cannot be rewritten, {word}:"
        yield from (f"  {path}" for path in files.deleted)
    if erasure.shared:
        yield f"Values that are other people's, too, and stay with them: {erasure.shared:,}."
    yield f"Keyed hashes that keep imports from bringing the person back: {erasure.hashes:,}."
    yield "What remains:"
    yield from (f"  {sentence}" for sentence in erasure.remains)
    if not erasure.is_dry_run:
        yield f"Erased from {erasure.team_id}: {erasure.import_id}"


@click.command()
@click.option("--dry-run", is_flag=True, help="Only tell what would be removed.")
@click.option("--json", "as_json", is_flag=True, help="One object, for scripts.")
@click.option("--prefect", is_flag=True, help="Run as Prefect flow.")
def maintain(dry_run: bool, as_json: bool, prefect: bool) -> None:
    """Remove what is older than retention.yaml wants kept, and what killed imports left."""
    from flows.retention import run_maintenance

    if prefect:
        from flows.maintain import main

        sys.exit(main(["--dry-run"] if dry_run else []))
    done = run_maintenance(load_settings(), is_dry_run=dry_run)
    if as_json:
        click.echo(json.dumps(done.to_json()))
        return
    for line in done.lines():
        click.echo(line)
