"""Pairs of people as a Prefect flow: a page of those that wait, and a judgement by a form."""

from collections.abc import Iterator, Sequence
from typing import Literal

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from contracts.errors import WrongCallError
from contracts.guards import WORDS
from flows import report, warehouse
from flows.acts import Start, get_done
from flows.candidates import Pair, Review, Side
from flows.deciding import Pairs, decide_typed
from flows.jobs import Outcome
from flows.pages import cell, escape, table
from flows.review_report import FIELDS, NAMES, cells, kind_words
from flows.reviewing import review_team
from flows.run_imports import guard
from flows.runs import hold_run, import_id_of
from flows.settings import Settings, load_settings
from flows.teams import Team, find_team, list_teams
from transforms.decide import Judgement
from transforms.masks import mask_email, mask_name, mask_phone

Answer = Literal["only list the pairs", "the same person", "two people"]

_JUDGEMENTS: dict[str, Judgement] = {"the same person": "same", "two people": "not_same"}
_MOST_PAIRS = 50
_MOST_VALUES = 5


@flow(name="review", validate_parameters=True, persist_result=False)
def review(
    team: str = "", pair: str = "", answer: Answer = "only list the pairs", your_name: str = ""
) -> State[list[Outcome]]:
    """List people who may be one person, the most certain first; or judge one pair of them.

    Args:
        team: Only of this team; empty: of all.
        pair: The id of a pair, as the page of this flow has it.
        answer: What it is judged. The same makes one person of the two; two people is final.
        your_name: Who judges; the ledger keeps it.
    """
    settings = load_settings()

    def work() -> State[list[Outcome]]:
        with warehouse.connected(settings) as connection:
            teams = [find_team(connection, team)] if team.strip() else list_teams(connection)
        outcomes: list[Outcome] = []
        with hold_run(settings) as run_id:
            if answer in _JUDGEMENTS:
                start = Start(import_id_of(run_id), "analyst", run_id)
                outcomes = _judge(settings, teams, pair, _JUDGEMENTS[answer], your_name, start)
            elif pair.strip():
                raise WrongCallError(f"Say what pair {pair} is: the same person, or two people.")
            with warehouse.connected(settings) as connection:
                found = [
                    review_team(connection, each, settings, limit=_MOST_PAIRS) for each in teams
                ]
            create_markdown_artifact(
                review_page(found, settings), key="review", description="People who may be one"
            )
        told = [_sentence(outcome, answer, settings) for outcome in outcomes]
        told += [_count(each) for each in found]
        state = Completed if all(outcome.is_good for outcome in outcomes) else Failed
        return state(message=" ".join(told) or "There are no teams yet.", data=outcomes)

    return guard(work, settings)


def _judge(
    settings: Settings,
    teams: Sequence[Team],
    pair: str,
    judgement: Judgement,
    your_name: str,
    start: Start,
) -> list[Outcome]:
    if not pair.strip():
        raise WrongCallError("Say which pair: its id stands on the page 'review'.")
    if not your_name.strip():
        raise WrongCallError("Say who judges: the ledger keeps it.")
    with warehouse.connected(settings) as connection:
        # The run may have been killed once it was through.
        if done := get_done(connection, start):
            return [done]
        Pairs(connection, teams).find(pair)
    try:
        return decide_typed(settings, teams, [(pair, judgement)], your_name.strip(), start)
    except WrongCallError as error:
        if settings.shows_contacts:
            raise
        # What stands against it names the two.
        raise WrongCallError(
            f"{pair} cannot be judged so: it was already, its people are one or gone by now, or"
            " other judgements speak against it. To see why: leadfold review --all"
        ) from error


def _sentence(outcome: Outcome, answer: Answer, settings: Settings) -> str:
    if not outcome.is_good:
        return report.public_sentence(outcome, settings)
    return f"Judged {answer}. Written: {report.effects_sentence(outcome.effects)}."


def _count(review: Review) -> str:
    count = review.pair_count
    if not count:
        return f"{review.team.name}: no pair of people waits for a judgement."
    return f"{review.team.name}: {count:,} pair{'' if count == 1 else 's'} of people wait."


def review_page(reviews: Sequence[Review], settings: Settings) -> str:
    """The pairs that wait as a page, each with both people side by side."""
    lines = ["# People who may be one person", ""]
    lines += ["Start `review` with the id of a pair, what it is, and your name.", ""]
    for each in reviews:
        lines += [f"## {escape(_count(each))}", ""]
        for pair in each.pairs:
            lines += [*_pair_lines(pair, settings), ""]
        if more := each.pair_count - len(each.pairs):
            lines += [f"... and {more:,} more, less certain.", ""]
    return "\n".join(lines)


def _pair_lines(pair: Pair, settings: Settings) -> Iterator[str]:
    values = [(each.kind, each.value) for each in pair.shared] or [
        (pair.told.kind, pair.told.value)
    ]
    shared = " and ".join(f"the {kind_words(k)} {_hide(k, v, settings)}" for k, v in values)
    why = WORDS.get(pair.told.guard, pair.told.guard)
    yield f"### {pair.pair_id}"
    yield ""
    yield escape(f"{pair.points} points, {NAMES[pair.names]}. They share {shared}; {why}.")
    yield ""
    rows = [
        (name.replace("_", " "), *(_cell(side, name, settings) for side in (pair.left, pair.right)))
        for name in FIELDS
    ]
    yield from table(("", "left", "right"), [row for row in rows if any(row[1:])])


def _cell(side: Side, name: str, settings: Settings) -> str:
    values = cells(side, name)
    told = [_hide(name, value, settings) for value in values[:_MOST_VALUES]]
    if len(values) > _MOST_VALUES:
        told.append(f"and {len(values) - _MOST_VALUES:,} more")
    return cell(", ".join(told))


def _hide(kind: str, value: str, settings: Settings) -> str:
    """A value of a person, hidden as its kind wants it."""
    value = value.replace("\x1f", " / ")
    if settings.shows_contacts or kind in ("records", "last_seen"):
        return value
    if kind in ("phone", "phones"):
        return mask_phone(value)
    return mask_email(value) if kind in ("email", "emails") else mask_name(value)
