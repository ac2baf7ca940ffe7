"""Candidates for people to look at: pairs who may be one, the most certain first, and crowds."""

from collections.abc import Iterable
from contextlib import closing
from typing import Any

import polars as pl
import psycopg

from flows.candidates import Crowd, Pair, Review, Shared, Side, Told, list_crowds, list_told
from flows.judgements import list_apart
from flows.settings import Settings
from flows.staging import list_sources
from flows.stored_personas import fetch_only
from flows.teams import Team, policy_of
from flows.work_database import open_database, telling_memory
from flows.workspace import hold_workspace
from transforms.certainty import describe_pairs, rank_pairs
from transforms.pair_ids import PairKey, name_pairs
from transforms.relations import Work, append, query
from transforms.shapes import Schema
from transforms.work_tables import open_work

_TIME = pl.Datetime("us", "UTC")
_PAIR = ("left_id", "right_id", "one_id", "other_id", "guard")


def review_team(
    connection: psycopg.Connection,
    team: Team,
    settings: Settings,
    *,
    limit: int | None = None,
    is_all: bool = False,
) -> Review:
    """What there is to look at, and what is known of it.

    Args:
        connection: To the database.
        team: Whose people.
        settings: Where to work.
        limit: The most pairs, and the most crowds.
        is_all: Whether to list what was judged as well.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        told = list_told(connection, team.team_id)
        apart = {frozenset(each[2:]) for each in list_apart(connection, team.team_id)}
        chosen = [
            each
            for each in told
            if (each.judgement and is_all)
            or (each.is_open and {each.one_id, each.other_id} not in apart)
        ]
        crowds = list_crowds(connection, team.team_id)
        with (
            hold_workspace(settings.work, f"review_{connection.info.backend_pid}") as folder,
            telling_memory(f"The review of {team.name}", settings),
            closing(open_database(folder, settings)) as work,
        ):
            open_work(work, list_sources())
            _rank(connection, work, team, chosen, crowds)
            named = name_pairs(each.key for each in told)
            pairs = tuple(_describe(work, chosen, named, limit))
    return Review(team, pairs, len(chosen), tuple(crowds[:limit]), len(crowds), named)


def _rank(
    connection: psycopg.Connection,
    work: Work,
    team: Team,
    chosen: list[Told],
    crowds: list[Crowd],
) -> None:
    people = {one for each in chosen for one in (each.one_id, each.other_id) if one}
    fetch_only(connection, work, team.team_id, people)
    imports = connection.execute(
        "SELECT import_id, file_name, finished_at FROM imports"
        " WHERE team_id = %s AND status = 'done' ORDER BY import_id",
        [team.team_id],
    ).fetchall()
    schema: Schema = {"import_id": pl.String, "file_name": pl.String, "imported_at": _TIME}
    append(work, "import_files", pl.DataFrame(imports, schema, orient="row"))
    pairs = pl.DataFrame(
        [
            (number, each.left_id, each.right_id, each.one_id, each.other_id, each.guard)
            for number, each in enumerate(chosen)
        ],
        {"pair_no": pl.Int64, **dict.fromkeys(_PAIR, pl.String)},
        orient="row",
    )
    values = [(each.kind, each.value) for each in crowds]
    crowd = pl.DataFrame(values, dict.fromkeys(("kind", "value"), pl.String), orient="row")
    rank_pairs(work, pairs, crowd, policy_of(team).guards.likeness)


def _describe(
    work: Work, chosen: list[Told], named: dict[PairKey, str], limit: int | None
) -> Iterable[Pair]:
    ranked = query(work, "select pair_no, names, points from ranked_pairs order by place").rows()
    # What waits for a judgement comes first.
    ranked = sorted(ranked, key=lambda row: chosen[row[0]].judgement is not None)[:limit]
    numbers = pl.Series("pair_no", [row[0] for row in ranked], pl.Int64)
    sides = describe_pairs(work, numbers)
    people = {row["persona_id"]: _side(row) for row in sides.people.iter_rows(named=True)}
    shared = _gather_shared(sides.evidence.iter_rows(named=True))
    for number, names, points in ranked:
        told = chosen[number]
        yield Pair(
            named[told.key],
            told,
            people.get(told.one_id or "", Side(told.left_id)),
            people.get(told.other_id or "", Side(told.right_id)),
            names,
            points,
            tuple(shared.get(number, ())),
        )


def _side(row: dict[str, Any]) -> Side:
    return Side(
        row["persona_id"],
        row["name"],
        tuple(row["ids"]),
        tuple(row["phones"]),
        tuple(row["emails"]),
        company=row["company"],
        city=row["city"],
        records=tuple(map(_place, row["files"], row["lines"])),
        last_seen=row["last_seen"],
    )


def _gather_shared(rows: Iterable[dict[str, Any]]) -> dict[int, list[Shared]]:
    found: dict[int, dict[tuple[str, str, int], dict[str, list[str]]]] = {}
    for row in rows:
        key = row["kind"], row["value"], row["points"]
        sides = found.setdefault(row["pair_no"], {}).setdefault(key, {"left": [], "right": []})
        if row["file"] is not None:
            sides[row["side"]].append(_place(row["file"], row["line_no"]))
    return {
        number: [
            Shared(*key, tuple(sides["left"]), tuple(sides["right"]))
            for key, sides in claims.items()
        ]
        for number, claims in found.items()
    }


def _place(file: str, line_no: int | None) -> str:
    return f"{file} line {line_no}" if line_no else file
