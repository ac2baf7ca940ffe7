"""The command ``leadfold review``. Heavy imports stand where they are used."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from contracts.errors import WrongCallError
from flows.settings import Settings, load_settings

if TYPE_CHECKING:
    from flows.jobs import Outcome
    from flows.teams import Team
    from transforms.decide import Judgement
    from transforms.split import By

_SHOWN = 20


@click.command()
@click.option("--team", help="Only of this team.")
@click.option(
    "--limit", type=click.IntRange(min=1), help=f"The most pairs; {_SHOWN} on the screen."
)
@click.option("--all", "is_all", is_flag=True, help="Also what was judged.")
@click.option("--same", multiple=True, metavar="ID", help="These two are one person.")
@click.option("--not-same", multiple=True, metavar="ID", help="These two are two people.")
@click.option("--unmerge", default="", metavar="PERSONA", help="Take this person apart.")
@click.option(
    "--split-by",
    type=click.Choice(["source", "lead"]),
    help="With --unmerge: each source file's leads, or each lead, become one person.",
)
@click.option(
    "--lead",
    "leaving",
    multiple=True,
    metavar="ID",
    help="With --unmerge: these leads or records together become another person.",
)
@click.option("--by", default="", metavar="NAME", help="Who judges; else who runs this.")
@click.option(
    "--export", type=click.Path(path_type=Path), help="Write the pairs to a CSV, to decide there."
)
@click.option(
    "--import", "decided", type=click.Path(path_type=Path), help="Carry out what a CSV decides."
)
@click.option("--json", "as_json", is_flag=True, help="One object each, for scripts.")
def review(
    team: str | None,
    limit: int | None,
    is_all: bool,
    same: tuple[str, ...],
    not_same: tuple[str, ...],
    unmerge: str,
    split_by: "By | None",
    leaving: tuple[str, ...],
    by: str,
    export: Path | None,
    decided: Path | None,
    as_json: bool,
) -> None:
    """List people who may be one person, the most certain first, and judge them.

    A judgement is an import of its own: 'same' makes one person of two, and 'not same' is final for
    all imports to come. Of several judgements in one call all are carried out, or none.
    """
    from flows import warehouse
    from flows.deciding import decide_file, decide_typed
    from flows.jobs import find_user
    from flows.teams import find_team, list_teams

    if sum(map(bool, (same or not_same, export, decided, unmerge))) > 1:
        raise WrongCallError(
            "Judge (--same, --not-same), --unmerge, --export and --import: one in each call."
        )
    if bool(unmerge) != bool(split_by or leaving) or (split_by and leaving):
        raise WrongCallError(
            "To take a person apart: --unmerge PERSONA with --split-by source, --split-by lead, or"
            " --lead for each lead that is somebody else's."
        )
    if export and is_all:
        raise WrongCallError("--export writes what waits for a judgement. Leave out --all.")
    settings = load_settings()
    if unmerge:
        from flows.unmerging import run_unmerge

        done = run_unmerge(
            unmerge, settings, team=team, by=split_by, leaving=leaving, judged_by=by or find_user()
        )
        _tell([done], as_json=as_json)
        return
    with warehouse.connected(settings) as connection:
        teams = [find_team(connection, team)] if team else list_teams(connection)
    if same or not_same:
        said: list[tuple[str, Judgement]] = [(name, "same") for name in same]
        said += [(name, "not_same") for name in not_same]
        _tell(decide_typed(settings, teams, said, by or find_user()), as_json=as_json)
    elif decided:
        _tell(decide_file(settings, teams, decided, by or find_user()), as_json=as_json)
    elif export:
        _export(settings, teams, export, limit)
    else:
        _list(settings, teams, limit or _SHOWN, is_all=is_all, as_json=as_json)


def _list(
    settings: Settings, teams: "Sequence[Team]", limit: int, *, is_all: bool, as_json: bool
) -> None:
    from flows import terminal, warehouse
    from flows.review_report import review_lines, to_json
    from flows.reviewing import review_team

    with warehouse.connected(settings) as connection:
        for team in teams:
            found = review_team(connection, team, settings, limit=limit, is_all=is_all)
            if as_json:
                for each in to_json(found):
                    click.echo(json.dumps(each))
            else:
                terminal.show(*review_lines(found))
    if not teams and not as_json:
        click.echo("There are no teams yet. Add one: leadfold teams add NAME")


def _export(settings: Settings, teams: "Sequence[Team]", path: Path, limit: int | None) -> None:
    from flows import warehouse
    from flows.review_files import write_pairs
    from flows.reviewing import review_team

    with warehouse.connected(settings) as connection:
        found = [review_team(connection, team, settings, limit=limit) for team in teams]
    count = write_pairs(path, found)
    click.echo(f"{count:,} pair{'' if count == 1 else 's'} written to {path}.")
    if count:
        click.echo(
            "Write same, not same or later into the column decision, save it as CSV, and then:\n"
            f"leadfold review --import {path}"
        )


def _tell(outcomes: "Sequence[Outcome]", *, as_json: bool) -> None:
    from flows import report

    for outcome in outcomes:
        if as_json:
            click.echo(json.dumps(report.to_json(outcome)))
        elif outcome.is_good:
            click.echo(f"Written: {report.effects_sentence(outcome.effects)}.")
            click.echo(f"{outcome.file_name} in {outcome.team_id}: {outcome.import_id}")
        else:
            click.echo(report.sentence(outcome), err=True)
    if not outcomes and not as_json:
        click.echo("The file decides nothing, so nothing was done.")
    if not all(outcome.is_good for outcome in outcomes):
        sys.exit(1)
