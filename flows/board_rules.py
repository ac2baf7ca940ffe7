"""The rules of ``rules.yaml`` in home: on which board the leads of a team are put."""

import polars as pl
import psycopg

from contracts.board_rules import NO_RULES, BoardRules, fold, parse_board_rules
from flows.settings import Settings
from flows.teams import Team
from transforms.boards import note_rules
from transforms.relations import Work, append, query

FILE_NAME = "rules.yaml"


def load_board_rules(settings: Settings, team: Team) -> BoardRules:
    """The rules of a team, by its name or id; none where the file says nothing of it.

    Raises:
        ContractError: The file says what no rule can say.
    """
    path = settings.home / FILE_NAME
    if not path.exists():
        return NO_RULES
    rules = parse_board_rules(path.read_text(encoding="utf-8"), str(path))
    return rules.get(fold(team.name), rules.get(fold(team.team_id), NO_RULES))


def fetch_boards(
    connection: psycopg.Connection, work: Work, team_id: str, rules: BoardRules
) -> None:
    """Note the rules, with the boards that are there; none is made.

    Args:
        connection: Where to ask.
        work: Gets the macro ``board_no``, and ``team_boards``.
        team_id: Whose boards.
        rules: The team's.
    """
    note_rules(work, rules)
    if not rules.boards:
        return
    found = connection.execute(
        "SELECT name, board_id FROM boards WHERE team_id = %s", [team_id]
    ).fetchall()
    boards = pl.DataFrame(found, {"board_name": pl.String, "board_id": pl.String}, orient="row")
    numbered = query(work, "from board_rules")
    append(work, "team_boards", numbered.join(boards, on="board_name"))
