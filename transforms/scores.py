"""The score on each person's card, as the policy declares it."""

from datetime import datetime

import polars as pl

from contracts.people import GOLDEN
from contracts.score import Score
from transforms.lone import count_lone
from transforms.relations import Work, append, ask, execute, run
from transforms.shapes import TIME
from transforms.work_tables import empty

CARDS = "unified_lead_cards"
"""The keyed table that holds them."""

_FIELDS = ", ".join(
    "nullif(array_to_string(tags, ', '), '') as tags" if name == "tags" else name for name in GOLDEN
)


def score_people(work: Work, score: Score, now: datetime) -> None:
    """Score everybody whose golden record was computed. Makes ``score_parts`` and ``scores``.

    Args:
        work: After ``transforms.survive`` and, of an import, ``transforms.plan.make_plan``.
        score: What makes points.
        now: The time of the import, by which things are recent.
    """
    _note_rules(work, score, now)
    run(work, "list_score_leads")
    has_lone = count_lone(work) > 0
    people = (
        f"select persona_id, {_FIELDS} from golden anti join removed_personas using (persona_id)"  # noqa: S608
        " where merged_into is null"
    )
    leads = "from met_score_leads"
    if has_lone:
        people += f" union all by name select persona_id, {_FIELDS} from lone_personas"  # noqa: S608
        leads += (
            " union all by name select persona_id, source, lead_status,"
            " last_activity_at as moment from lone_leads"
        )
    work.execute(f"create or replace table scored_people as {people}").fetchall()
    work.execute(f"create or replace table score_leads as {leads}").fetchall()
    run(work, "score_people")


def say_scores(work: Work) -> None:
    """Add the scores to what is said of keyed tables, after ``keyed.list_line_people``."""
    execute(work, "delete from said_rows where line_no < -1000000000")
    execute(work, "delete from said_cells where line_no < -1000000000")
    run(work, "say_scores")


def list_parts(work: Work) -> list[tuple[str, float]]:
    """What makes the score of the one person that was scored: the most first."""
    return ask(work, "select part, points from score_parts order by points desc, part")


def _note_rules(work: Work, score: Score, now: datetime) -> None:
    rules = [
        (kind, str(name), points)
        for kind, said in (
            ("has", score.has),
            ("source", score.source),
            ("status", score.status),
            ("recent", score.recent),
        )
        for name, points in said.items()
    ]
    empty(work, "score_rules")
    schema = {"kind": pl.String, "name": pl.String, "points": pl.Float64}
    append(work, "score_rules", pl.DataFrame(rules, schema, orient="row"))
    empty(work, "score_now")
    append(work, "score_now", pl.DataFrame({"now": [now]}, schema={"now": TIME}))
