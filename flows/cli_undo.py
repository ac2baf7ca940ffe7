"""The command ``leadfold undo``. Heavy imports stand where they are used."""

import json
import sys
from typing import TYPE_CHECKING

import click

from contracts.errors import WrongCallError
from flows.settings import Settings, load_settings

if TYPE_CHECKING:
    from flows.jobs import Outcome


@click.command()
@click.argument("import_id", metavar="IMPORT", required=False)
@click.option("--last", is_flag=True, help="The newest import of --team.")
@click.option("--team", help="Whose newest import, with --last.")
@click.option("--dry-run", is_flag=True, help="Only tell what would change.")
@click.option("--withdraw-opt-outs", is_flag=True, help="Also take back opt-outs that it brought.")
@click.option("--json", "as_json", is_flag=True, help="One object, for scripts.")
def undo(
    import_id: str | None,
    last: bool,
    team: str | None,
    dry_run: bool,
    withdraw_opt_outs: bool,
    as_json: bool,
) -> None:
    """Take back an import: what it inserted, changed or merged. The end of its id is enough.

    What somebody edited by hand since stays, and is told. Opt-outs stay, too. An undo is an import
    of its own, and can be undone. The exit code is 0 when it is done, 1 when it failed.
    """
    from flows import report
    from flows.undoing import run_undo

    if bool(import_id) == last or last != bool(team):
        raise WrongCallError("Say which import: IMPORT, or --last with --team TEAM.")
    settings = load_settings()
    outcome = run_undo(
        import_id or _find_last(team or "", settings),
        settings,
        is_dry_run=dry_run,
        withdraws_opt_outs=withdraw_opt_outs,
    )
    if as_json:
        click.echo(json.dumps(report.to_json(outcome)))
    else:
        _show(outcome)
    if not outcome.is_good:
        sys.exit(1)


def _find_last(team: str, settings: Settings) -> str:
    from flows import warehouse
    from flows.teams import find_team
    from flows.undo_ledger import find_last

    with warehouse.connected(settings) as connection:
        return find_last(connection, find_team(connection, team).team_id)


def _show(outcome: "Outcome") -> None:
    from flows import report, terminal
    from flows.plan_report import kept_lines, plan_lines

    if outcome.status == "done":
        click.echo(f"Written: {report.effects_sentence(outcome.effects)}.")
    elif outcome.is_good:
        terminal.show(*plan_lines(outcome))
    else:
        click.echo(report.sentence(outcome), err=True)
        return
    terminal.show(*kept_lines(outcome.kept))
    if outcome.status == "done":
        click.echo(f"{terminal.visible(outcome.file_name)}: {outcome.import_id}")
        click.echo(f"To have it again: leadfold undo {outcome.import_id}")
