"""How certain it is that two people are one: what counts for it and against it, in points."""

from typing import NamedTuple

import polars as pl

from contracts.guards import GUARDS
from transforms.likeness import contradict_names, key_names, load_nicknames
from transforms.relations import Work, append, execute, query, run, statement
from transforms.work_tables import empty

CLAIM_POINTS = {"composite": 8, "crm_id": 6, "phone": 4, "email": 3}
"""For each value that both state; one of many people (an office line) counts for nothing."""

NAME_POINTS = {"same": 5, "agree": 2, "unknown": 0, "contradict": -20}
"""For their names, of which each counts once.

``same``: word for word, but for case and accents. ``agree``: the first names fit (equal, similar,
a nickname or an initial), and no last name is another. ``unknown``: one has no first name, or the
last names differ. ``contradict``: as the guards say; whatever else they share comes after that.
"""

GUARD_ORDER = ("bridge", "ambiguous", "crm_id", "name", "suffix", "judgement")
"""Which of several pairs with as many points comes first, by what keeps them apart."""

assert set(GUARD_ORDER) == set(GUARDS)


def rank_pairs(work: Work, pairs: pl.DataFrame, crowd: pl.DataFrame, likeness: float) -> None:
    """Tell which pairs are the most certain to be one person.

    Reads what Postgres holds about their people. Makes ``pairs``, ``lead_claims``,
    ``shared_claims`` and ``ranked_pairs``.

    Args:
        work: The work database.
        pairs: ``pair_no, left_id, right_id, one_id, other_id, guard``.
        crowd: ``kind, value`` of what too many share.
        likeness: From which similarity on two first names are one, as the policy says.
    """
    _keep(work, "pairs", pairs)
    _keep(work, "crowd_values", crowd)
    _keep(work, "claim_points", _as_table(CLAIM_POINTS, "kind", "points"))
    _keep(work, "name_points", _as_table(NAME_POINTS, "names", "points"))
    places = {guard: place for place, guard in enumerate(GUARD_ORDER)}
    _keep(work, "guard_places", _as_table(places, "guard", "place"))
    run(work, "list_claims")
    _compare_names(work, likeness)
    run(work, "rank_pairs")


class Described(NamedTuple):
    """What is known of some pairs.

    Attributes:
        people: One row per person (``transforms/sql/describe_people.sql``).
        evidence: One row per value that both share and record that states it
            (``transforms/sql/find_evidence.sql``).
    """

    people: pl.DataFrame
    evidence: pl.DataFrame


def describe_pairs(work: Work, pair_numbers: pl.Series) -> Described:
    """Look up what people want to see of pairs, by their ``pair_no``, after ``rank_pairs``.

    Reads ``import_files`` beside what that made.
    """
    _keep(work, "wanted_pairs", pair_numbers.to_frame())
    run(work, "describe_pairs")
    evidence = query(work, statement("find_evidence"))
    return Described(query(work, statement("describe_people")), evidence)


def _compare_names(work: Work, likeness: float) -> None:
    """Make ``person_names``, ``names`` and ``contradictions``, of the golden records."""
    load_nicknames(work)
    raw = query(
        work,
        "select persona_id, first_name, last_name, full_name, suffix from stored_personas"
        " order by persona_id",
    )
    numbers = pl.int_range(len(raw), dtype=pl.Int64)
    _keep(work, "person_names", raw.select("persona_id", name_no=numbers))
    empty(work, "names")
    append(work, "names", key_names(raw.drop("persona_id")).with_columns(name_no=numbers))
    empty(work, "name_pairs")
    execute(
        work,
        "insert into name_pairs select distinct one.name_no, other.name_no from pairs"
        " join person_names as one on one.persona_id = one_id"
        " join person_names as other on other.persona_id = other_id",
    )
    contradict_names(work, likeness)


def _as_table(values: dict[str, int], key: str, value: str) -> pl.DataFrame:
    return pl.DataFrame({key: list(values), value: list(values.values())})


def _keep(work: Work, name: str, frame: pl.DataFrame) -> None:
    work.register("made", frame)
    work.execute(f"create or replace table {name} as from made").fetchall()
    work.unregister("made")
