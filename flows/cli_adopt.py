"""The command ``leadfold adopt``. Heavy imports stand where they are used."""

import json
import os
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from contracts.errors import LeadfoldError, WrongCallError
from flows.settings import load_settings

if TYPE_CHECKING:
    import psycopg

    from flows.adopt.adoption import Adoption


_GO_ON = (
    "What was done stays, and new duplicates may be kept out. Run the same command again to go on,"
    " or leadfold adopt --restore to take it back."
)


@click.command()
@click.option("--database", default="", help="Its address; else LEADFOLD_DATABASE_URL.")
@click.option(
    "--mapping",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Which tables, and which keys; else what their names say.",
)
@click.option(
    "--write", type=click.Path(path_type=Path), help="Save the mapping that was used, to edit it."
)
@click.option(
    "--plan", type=click.Path(path_type=Path), help="Save as CSV which rows would stay and go."
)
@click.option("--apply", "is_apply", is_flag=True, help="Clean the tables, and make the indexes.")
@click.option("--restore", "is_restore", is_flag=True, help="Take all of it back.")
@click.option(
    "--backup",
    type=click.Path(exists=True, path_type=Path),
    help="A dump of the database, not older than a day (pg_dump).",
)
@click.option("--no-backup", is_flag=True, help="There is a backup elsewhere, or none is wanted.")
@click.option("--region", default="US", show_default=True, help="Country of phones without '+'.")
@click.option("--json", "as_json", is_flag=True, help="One object, for scripts.")
def adopt(
    database: str,
    mapping: Path | None,
    write: Path | None,
    plan: Path | None,
    is_apply: bool,
    is_restore: bool,
    backup: Path | None,
    no_backup: bool,
    region: str,
    as_json: bool,
) -> None:
    """Bring the tables of an application's own database under keys, cleaned of duplicates.

    Alone it only reads, and tells how many rows stand there twice and what would become of them.
    With --apply it keeps new duplicates out, cleans the old ones in small steps while writers go
    on, and makes the unique indexes. A run that was cut off goes on where it stopped. With
    --restore all is as it was before.
    """
    import psycopg

    from flows import warehouse

    if is_apply and is_restore:
        raise WrongCallError("Say either --apply or --restore.")
    settings = load_settings()
    if database:
        settings = replace(settings, database_url=database)
    with closing(warehouse.open_connection(settings, "leadfold adopt")) as connection:
        try:
            if is_restore:
                _restore(connection, as_json=as_json)
                return
            adoptions = _find(connection, mapping, write)
            if is_apply:
                if mapping is None:
                    raise WrongCallError(
                        "Say which keys are to be made: leadfold adopt --write adopt.yaml, edit"
                        " that, and leadfold adopt --mapping adopt.yaml --apply"
                    )
                _check_backup(backup, adoptions, no_backup=no_backup)
                _apply(connection, adoptions, as_json=as_json)
            else:
                _look(connection, adoptions, plan, region, as_json=as_json)
        except psycopg.Error as error:
            raise LeadfoldError(
                _tell_error(error, is_reading=not (is_apply or is_restore))
            ) from error


def _tell_error(error: "psycopg.Error", *, is_reading: bool) -> str:
    from flows.warehouse import first_line

    said = error.diag.message_primary or first_line(error)
    if is_reading:
        return f"Postgres says: {said}. Nothing was changed."
    return f"Postgres says: {said}.\n{_GO_ON}"


def _find(
    connection: "psycopg.Connection", mapping: Path | None, write: Path | None
) -> "list[Adoption]":
    """What is wanted of which tables; nothing is written in the database.

    Raises:
        WrongCallError: The mapping names what is not there, or nothing is known by its name.
        LeadfoldError: The database cannot be adopted as it is.
    """
    from contracts.adoption import parse_mapping, write_mapping
    from flows.adopt.adoption import propose, resolve
    from flows.adopt.checks import list_refusals
    from flows.adopt.schema import read_references, read_tables

    connection.execute("SET default_transaction_read_only = on")
    tables = read_tables(connection)
    references = read_references(connection, tables.values())
    wanted = (
        parse_mapping(mapping.read_text(encoding="utf-8"), str(mapping))
        if mapping
        else propose(tables.values())
    )
    if wanted is None:
        raise WrongCallError(
            "No table of this database is called as one that can be adopted."
            " Write a mapping: docs/adopt.md"
        )
    if write:
        write.write_text(write_mapping(wanted), encoding="utf-8")
        click.echo(f"Mapping written to {write}.", err=True)
    adoptions = resolve(wanted, tables, references)
    refusals = list_refusals(connection, adoptions, references)
    connection.execute("SET default_transaction_read_only = off")
    if refusals:
        raise LeadfoldError("\n".join(refusals))
    return adoptions


def _look(
    connection: "psycopg.Connection",
    adoptions: "list[Adoption]",
    plan: Path | None,
    region: str,
    *,
    as_json: bool,
) -> None:
    from flows.adopt.report import found_lines, look, write_plan
    from flows.terminal import show

    # All counts are of one moment.
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        found = look(connection, adoptions, region)
        if plan:
            with open(os.open(plan, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
                write_plan(connection, adoptions, out)
    if as_json:
        click.echo(json.dumps({"tables": [each.to_json() for each in found]}))
        return
    show(*found_lines(found))
    if plan:
        click.echo(f"\nWhich rows would stay and go is written to {plan}.")
    click.echo("\nNothing was changed.")


def _check_backup(backup: Path | None, adoptions: "list[Adoption]", *, no_backup: bool) -> None:
    from flows.adopt.backups import check_backup

    if no_backup:
        return
    if backup is None:
        raise WrongCallError(
            "Rows will be removed. Make a backup first (pg_dump -Fc -f before.dump ...) and say"
            " --backup before.dump; or say --no-backup."
        )
    check_backup(backup, [each.table for each in adoptions])


def _apply(connection: "psycopg.Connection", adoptions: "list[Adoption]", *, as_json: bool) -> None:
    from flows.adopt.adopting import apply
    from flows.adopt.report import applied_json

    try:
        applied = apply(connection, adoptions, _tell)
    except LeadfoldError as error:
        raise LeadfoldError(f"{error}\n{_GO_ON}") from error
    if as_json:
        click.echo(applied_json(applied))
        return
    for each in applied.locks.to_json():
        _tell(
            f"{each['statement']} on {each['on']}: {each['times']:,} times,"
            f" {each['longest_seconds']:.3f} s at most."
        )
    click.echo(
        "All keys are in force. What was removed stands in schema leadfold_adopt;"
        " leadfold adopt --restore takes all of it back."
    )


def _restore(connection: "psycopg.Connection", *, as_json: bool) -> None:
    from flows.adopt.restoring import restore
    from flows.terminal import visible

    restored = restore(connection, _tell)
    if as_json:
        click.echo(json.dumps(restored.to_json()))
    else:
        for each in restored.left:
            click.echo(visible(f"{each.table} {each.row}: {each.why}."))
        click.echo("Restored." if not restored.left else "Restored, but for these.")
    if restored.left:
        sys.exit(1)


def _tell(sentence: str) -> None:
    from flows.terminal import visible

    click.echo(visible(sentence), err=True)
