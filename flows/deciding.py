"""From ids that people typed, or a file brought, to judgements that are carried out."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import psycopg

from contracts.errors import WrongCallError
from flows import warehouse
from flows.acts import Start
from flows.candidates import Told, list_crowds, list_told
from flows.jobs import Outcome
from flows.judgement_checks import Judging, check_judging, start_judging
from flows.judging import run_judging
from flows.review_files import Line, raise_faults, read_decisions
from flows.review_report import JUDGEMENTS
from flows.settings import Settings
from flows.teams import Team
from transforms.decide import Judgement
from transforms.pair_ids import PairKey, name_pairs, pair_id

_SHORTEST_TYPED = 4


class Pairs:
    """All pairs of some teams, to be found by their ids."""

    def __init__(self, connection: psycopg.Connection, teams: Sequence[Team]) -> None:
        self._known: dict[str, tuple[Team, Told]] = {}
        self._crowds: set[str] = set()
        for team in teams:
            told = list_told(connection, team.team_id)
            named = name_pairs(each.key for each in told)
            self._known |= {named[each.key]: (team, each) for each in told}
            for crowd in list_crowds(connection, team.team_id):
                key = crowd.kind, crowd.value
                self._crowds |= {crowd.value.casefold(), pair_id(key).casefold()}

    def find(self, name: str) -> tuple[Team, Told]:
        """The pair of an id, or of its first letters, in any case.

        Raises:
            WrongCallError: There is none, or several begin so.
        """
        wanted = name.strip().upper()
        if found := self._known.get(wanted):
            return found
        near = [known for known in self._known if known.startswith(wanted)]
        if len(near) == 1 and len(wanted) >= _SHORTEST_TYPED:
            return self._known[near[0]]
        if name.strip().casefold() in self._crowds:
            raise WrongCallError(
                f"'{name}' is a value that many people share, no pair of people: nothing is judged"
                " about it."
            )
        if len(near) > 1:
            some = ", ".join(sorted(near)[:5])
            raise WrongCallError(f"Several pairs begin with '{name}': {some}.")
        raise WrongCallError(
            f"There is no pair '{name}'. To see those that there are: leadfold review --all"
        )


def decide_typed(
    settings: Settings,
    teams: Sequence[Team],
    said: Iterable[tuple[str, Judgement]],
    judged_by: str,
    start: Start | None = None,
) -> list[Outcome]:
    """Carry out judgements that somebody typed, an import per team.

    Args:
        settings: Where the database is.
        teams: Among whose people the pairs are looked for.
        said: Id of each pair, or its first letters, and what it is judged.
        judged_by: Who judges.
        start: How it is started, where all that is said is about one pair; None: by a command.

    Raises:
        WrongCallError: A pair is none, or the judgements contradict each other or earlier ones;
            nothing is done.
    """
    wanted: dict[str, tuple[Team, dict[PairKey, Judgement]]] = {}
    with warehouse.connected(settings) as connection:
        pairs = Pairs(connection, teams)
    for name, judgement in said:
        team, told = pairs.find(name)
        of_team = wanted.setdefault(team.team_id, (team, {}))[1]
        if of_team.setdefault(told.key, judgement) != judgement:
            raise WrongCallError(f"{name} cannot be both: the same, and not the same.")
    return _carry_out(settings, wanted, judged_by, start)


def decide_file(
    settings: Settings, teams: Sequence[Team], path: Path, judged_by: str
) -> list[Outcome]:
    """Carry out the decisions of a file, all or none; a pair that was judged before is refused.

    Raises:
        WrongCallError: A line is at fault, or the decisions contradict each other or earlier ones;
            nothing is done.
    """
    lines = read_decisions(path)
    with warehouse.connected(settings) as connection:
        pairs = Pairs(connection, teams)
    wanted: dict[str, tuple[Team, dict[PairKey, Judgement]]] = {}
    first: dict[PairKey, Line] = {}
    faults = []
    for line in lines:
        try:
            team, told = pairs.find(line.pair_id)
            _check_line(line, told, first)
        except WrongCallError as error:
            faults.append((line.line_no, str(error)))
        else:
            wanted.setdefault(team.team_id, (team, {}))[1][told.key] = line.judgement
    raise_faults(path, faults)
    return _carry_out(settings, wanted, judged_by)


def _check_line(line: Line, told: Told, first: dict[PairKey, Line]) -> None:
    if told.judgement:
        when = f", {told.judged_at:%Y-%m-%d}" if told.judged_at else ""
        raise WrongCallError(
            f"{line.pair_id} was judged {JUDGEMENTS[told.judgement]} already, by"
            f" {told.judged_by}{when}. Leave its decision empty."
        )
    earlier = first.setdefault(told.key, line)
    if earlier.judgement != line.judgement:
        raise WrongCallError(f"{line.pair_id} is decided otherwise in line {earlier.line_no}.")


def _carry_out(
    settings: Settings,
    wanted: Mapping[str, tuple[Team, dict[PairKey, Judgement]]],
    judged_by: str,
    start: Start | None = None,
) -> list[Outcome]:
    calls: list[Judging] = [
        start_judging(team, judgements, judged_by) for team, judgements in wanted.values()
    ]
    with warehouse.connected(settings) as connection:
        for judging in calls:
            check_judging(connection, judging)
    return [run_judging(judging, settings, start) for judging in calls]
