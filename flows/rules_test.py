"""Which rule takes how many rows of a file: for ``leadfold rules test``."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from contracts.feeds import AUTO
from contracts.registry import load_source
from flows import teams, warehouse
from flows.board_rules import load_board_rules
from flows.inspecting import find_source
from flows.jobs import Job, make_import_id, say_nothing
from flows.landing import land
from flows.settings import Settings
from flows.staging import stage
from flows.workspace import hold_workspace
from transforms.boards import count_taken_rows, note_rules


class Taken(NamedTuple):
    """How many rows a rule takes.

    Attributes:
        rule: Its number, from 1; None: no rule takes them.
        board: Where it puts them; empty: nowhere.
        when: What it asks for, in words; of the default and of none, that.
        rows: How many.
    """

    rule: int | None
    board: str
    when: str
    rows: int


def count_taken(path: Path, team_name: str, source_name: str, settings: Settings) -> list[Taken]:
    """Read a file, and count its rows by the rule that takes them. Nothing is imported.

    Raises:
        WrongCallError: There is no such team or source.
        ContractError: The rules are wrong.
        UnreadableFileError: The file is no table.
    """
    import_id = make_import_id()
    with warehouse.connected(settings, import_id) as connection:
        team = teams.find_team(connection, team_name)
    rules = load_board_rules(settings, team)
    # Of a team that is not there no row is known, so that each is read.
    nobody = replace(team, team_id="")
    counts: dict[int | None, int] = {}
    with hold_workspace(settings.work, import_id) as scratch:
        for batch in land(path, scratch / "landing"):
            source = load_source(find_source(batch) if source_name == AUTO else source_name)
            job = Job(
                *(import_id, nobody, source.name, source.logical_file(batch.file_name)),
                *(batch.file_name, path),
                datetime.now(UTC),
                is_dry_run=True,
            )
            with closing(stage(job, batch, settings, say_nothing)) as work:
                note_rules(work, rules)
                for number, rows in count_taken_rows(work, job.contract).items():
                    counts[number] = counts.get(number, 0) + rows
    told = [
        Taken(
            number + 1,
            rule.board,
            ", ".join(f"{name}: {' or '.join(values)}" for name, values in rule.when.items()),
            counts.get(number, 0),
        )
        for number, rule in enumerate(rules.rules)
    ]
    if rules.default:
        told.append(Taken(None, rules.default, "default", counts.get(len(rules.rules), 0)))
    if rest := counts.get(None, 0):
        told.append(Taken(None, "", "no rule", rest))
    return told
