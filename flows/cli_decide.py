"""The command ``leadfold decide``. Heavy imports stand where they are used."""

import json
import sys
from typing import TYPE_CHECKING

import click

from contracts.errors import WrongCallError
from flows.settings import load_settings

if TYPE_CHECKING:
    from flows.ledger import Choice


@click.command()
@click.argument("import_id", metavar="IMPORT")
@click.option("--apply", "apply_it", is_flag=True, help="What it was held for is as it should be.")
@click.option("--reject", is_flag=True, help="The file is not to be imported.")
@click.option("--source", help="Read the file by this contract instead.")
@click.option("--by", help="Who decides; the ledger keeps it.  [default: you]")
@click.option("--json", "as_json", is_flag=True, help="One object, for scripts.")
def decide(
    import_id: str, apply_it: bool, reject: bool, source: str | None, by: str | None, as_json: bool
) -> None:
    """Decide about a held import: it goes on, or never does. The end of its id is enough.

    It goes on from the landed copy of its file. The exit code is 0 when it is done or rejected as
    was decided, 1 when it is held again or failed.
    """
    from flows import held, report, terminal
    from flows.jobs import find_user

    chosen: list[Choice] = []
    if apply_it:
        chosen.append("apply")
    if reject:
        chosen.append("reject")
    if source is not None:
        chosen.append("source")
    if len(chosen) != 1:
        raise WrongCallError("Say one of --apply, --reject and --source SOURCE.")
    decision = held.Decision(chosen[0], by or find_user(), source or "")
    outcome = held.decide(import_id, decision, load_settings())
    if as_json:
        click.echo(json.dumps(report.to_json(outcome)))
    else:
        click.echo(f"{terminal.visible(outcome.file_name)}: {report.sentence(outcome)}")
        click.echo(outcome.import_id)
    if not outcome.is_good and not (outcome.status == "declined" and reject):
        sys.exit(1)
