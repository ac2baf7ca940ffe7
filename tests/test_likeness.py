"""Which names contradict, and how many people a value has."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.likeness import contradict_names, count_people, key_names, load_nicknames
from transforms.relations import Work, append, query, run


class Name(NamedTuple):
    first_key: str | None = None
    last_key: str | None = None
    suffix_key: str | None = None


@contextmanager
def opened() -> Iterator[Work]:
    """A work database in memory, with the nicknames."""
    with duckdb.connect() as work:
        load_nicknames(work)
        yield work


@pytest.fixture
def work() -> Iterator[Work]:
    with opened() as work:
        yield work


def fill(work: Work, names: Sequence[Name]) -> None:
    """Make ``names``, numbered as they stand there."""
    work.execute("truncate names").fetchall()
    schema = dict.fromkeys(Name._fields, pl.String)
    frame = pl.DataFrame(names, schema=schema, orient="row").with_row_index("name_no")
    append(work, "names", frame)


def fill_pairs(work: Work, pairs: Sequence[tuple[int, int]]) -> None:
    work.execute("create or replace table name_pairs (left_no bigint, right_no bigint)").fetchall()
    append(work, "name_pairs", pl.DataFrame(pairs, ["left_no", "right_no"], orient="row"))


def contradictions(
    work: Work, names: Sequence[Name], likeness: float = 0.8
) -> dict[tuple[int, int], str]:
    """Of all pairs of names, both ways, those that contradict, with the guard."""
    fill(work, names)
    fill_pairs(work, [(one, other) for one in range(len(names)) for other in range(len(names))])
    run(work, "contradict_names", likeness=likeness)
    rows = query(work, "select left_no, right_no, guard from contradictions").rows()
    assert len(rows) == len({row[:2] for row in rows})
    return {(one, other): guard for one, other, guard in rows}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("José", "O’Brien-Núñez", None, "Jr."), ("jose", "obrien nunez", "jr")),
        (("Ann", None, "Ann Smith", None), ("ann", None, None)),
        ((None, "Smith", "Ann Smith", None), (None, "smith", None)),
        ((None, None, "Ann B. C. Smith", None), (None, "ann b c smith", None)),
        ((" ", "-", "Ann", ""), (None, "ann", None)),
        ((None, None, None, None), (None, None, None)),
        (("A", "B", None, "Junior"), ("a", "b", "jr")),
        (("A", "B", None, "Senior"), ("a", "b", "sr")),
        (("A", "B", None, "2nd"), ("a", "b", "ii")),
        (("A", "B", None, "3RD"), ("a", "b", "iii")),
        (("A", "B", None, "IV"), ("a", "b", "iv")),
        (("A", "B", None, "V"), ("a", "b", "v")),
        (("A", "B", None, "III MD"), ("a", "b", "iii")),
        (("A", "B", None, "PhD"), ("a", "b", None)),
        (("A", "B", None, "Esq."), ("a", "b", None)),
        (("A", "B", None, "D.V.M."), ("a", "b", None)),
    ],
)
def test_the_keys_of_a_name(
    given: tuple[str | None, ...], expected: tuple[str | None, ...]
) -> None:
    """Folded; a whole name only where there is no other; generations, but no degrees."""
    columns = ["first_name", "last_name", "full_name", "suffix"]
    frame = pl.DataFrame([given], schema=dict.fromkeys(columns, pl.String), orient="row")
    keys = key_names(frame)
    assert keys.columns == list(Name._fields)
    assert keys.row(0) == expected


def test_names_of_nobody_have_keys_too() -> None:
    """No rows, and columns that hold nothing at all."""
    columns = ["first_name", "last_name", "full_name", "suffix"]
    assert key_names(pl.DataFrame(schema=dict.fromkeys(columns, pl.String))).is_empty()
    assert key_names(pl.DataFrame({name: [None] for name in columns})).row(0) == (None,) * 3


def test_nicknames_stand_both_ways(work: Work) -> None:
    """Whichever of the two is asked for; nobody is a nickname of himself."""
    pairs = set(query(work, "select one, other from nicknames").rows())
    assert {("robert", "bob"), ("bob", "robert")} <= pairs
    assert pairs == {(other, one) for one, other in pairs}
    assert all(one != other for one, other in pairs)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann", "ann"),
        ("ann", "anna"),
        ("jon", "john"),
        ("stephen", "steven"),
        *(("bob", "robert"), ("bill", "william"), ("liz", "elizabeth"), ("peggy", "margaret")),
        *(("jim", "james"), ("beth", "elizabeth"), ("ted", "edward"), ("alex", "alexander")),
        ("bob lee", "robert"),
        ("mary", "molly jane"),
        *(("j", "john"), ("j r", "john"), ("jr", "john"), ("jr", "j r"), ("j robert", "john")),
        *(("aj", "anthony"), ("tj", "thomas"), ("wm", "william")),
        ("mary", "mary ann"),
        ("mary ann", "mary ann louise"),
        ("明", "明華"),
    ],
)
def test_first_names_that_one_person_may_have(work: Work, one: str, other: str) -> None:
    """Similar, nicknames, an initial, or one the beginning of the other, either way round."""
    assert contradictions(work, [Name(one, "smith"), Name(other, "jones")]) == {}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann", "bob"),
        ("john", "peter"),
        ("j", "robert"),
        ("tj", "james"),
        ("al", "kim"),
        ("ana", "mary ana"),
        ("mary", "maryland shore"),
        ("mike", "mark"),
        ("bobby ray", "susan"),
    ],
)
def test_first_names_that_contradict(work: Work, one: str, other: str) -> None:
    """Both ways round, by their names."""
    names = [Name(one, "smith"), Name(other, "smith")]
    likeness = 0.95 if one == "mary" else 0.8
    assert contradictions(work, names, likeness) == {(0, 1): "name", (1, 0): "name"}


def test_generations_contradict_before_names_do(work: Work) -> None:
    """Jr and Sr are two; one of them without a generation may be either."""
    names = [Name("bob", None, "jr"), Name("bob", None, "sr"), Name("bob"), Name("ann", None, "jr")]
    found = contradictions(work, names)
    assert {pair: guard for pair, guard in found.items() if pair[0] < pair[1]} == {
        (0, 1): "suffix",
        (0, 3): "name",
        (1, 3): "suffix",
        (2, 3): "name",
    }


@pytest.mark.parametrize(
    "silent", [Name(), Name(None, "jones"), Name(None, None, "jr"), Name(None, "ann b c smith")]
)
def test_a_name_that_is_not_given_contradicts_none(work: Work, silent: Name) -> None:
    """Nor do last names by themselves."""
    assert contradictions(work, [silent, Name("bob", "smith")]) == {}


def test_likeness_is_where_similar_begins(work: Work) -> None:
    """At 1 only the same spelling is one name; at 0 none contradict."""
    names = [Name("zora"), Name("zorah"), Name("xerxes")]
    assert (0, 1) not in contradictions(work, names, 0.9)
    assert (0, 1) in contradictions(work, names, 1.0)
    assert (0, 0) not in contradictions(work, names, 1.0)
    assert contradictions(work, names, 0.0) == {}


def test_pairs_that_are_not_asked_about_are_not_answered(work: Work) -> None:
    """No pairs, no answer; a name that is none of ours does not contradict."""
    fill(work, [Name("ann"), Name("bob")])
    fill_pairs(work, [])
    contradict_names(work, 0.8)
    assert query(work, "from contradictions").is_empty()
    fill_pairs(work, [(0, 1), (0, 7)])
    contradict_names(work, 0.8)
    assert query(work, "from contradictions").rows() == [(0, 1, "name")]


WORDS = ["ann", "anna", "bob", "rob", "robert", "bobby", "j", "jr", "aj", "mary", "molly", "jose"]
FIRST = st.none() | st.lists(st.sampled_from(WORDS) | st.text("abjo", min_size=1, max_size=4),
                             min_size=1, max_size=3).map(" ".join)  # fmt: skip
LAST = st.sampled_from([None, "smith", "smyth", "jones", "ann smith", "de la cruz", "cruz"])
SUFFIX = st.sampled_from([None, None, "jr", "sr", "iii"])
NAMES = st.lists(st.builds(Name, FIRST, LAST, SUFFIX), max_size=12, unique=True)
LIKENESS = st.sampled_from([0.0, 0.6, 0.8, 1.0])


@settings(max_examples=60, deadline=None)
@given(NAMES, LIKENESS)
def test_contradiction_is_mutual(names: list[Name], likeness: float) -> None:
    """Whichever name stands first, and no name contradicts itself."""
    with opened() as work:
        found = contradictions(work, names, likeness)
    assert found == {(other, one): guard for (one, other), guard in found.items()}
    assert all(one != other for one, other in found)


def people_of(
    numbers: set[int],
    names: Sequence[Name],
    apart: set[tuple[int, int]],
) -> int:
    """The oracle: take names in turn, each that contradicts all that were taken."""

    def turn(number: int) -> tuple[object, ...]:
        name = names[number]
        given = [each for each in name if each]
        return (-len(given), -len("".join(given)), *((each is None, each or "") for each in name))

    taken: list[int] = []
    for number in sorted((each for each in numbers if any(names[each])), key=turn):
        if all((number, person) in apart for person in taken):
            taken.append(number)
    return len(taken)


@settings(max_examples=60, deadline=None)
@given(NAMES, LIKENESS, st.integers(1, 4), st.data())
def test_people_are_counted_as_one_would(
    names: list[Name], likeness: float, limit: int, data: st.DataObject
) -> None:
    """Greedily, the fullest name first, up to one more than the limit; for each value."""
    number = st.integers(0, max(len(names) - 1, 0))
    drawn = data.draw(st.lists(st.tuples(st.integers(1, 3), number), max_size=25))
    stated = drawn if names else []
    with opened() as work:
        apart = {*contradictions(work, names, likeness), *unlike_last_names(work, likeness)}
        fill_values(work, stated)
        count_people(work, likeness, limit)
        found = dict(query(work, "select value_no, people from value_people").rows())
    values: dict[int, set[int]] = {}
    for value, each in stated:
        values.setdefault(value, set()).add(each)
    assert found == {
        value: min(people_of(numbers, names, apart), limit + 1) for value, numbers in values.items()
    }


def unlike_last_names(work: Work, likeness: float) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = query(
        work,
        "select one.name_no as one_no, other.name_no as other_no from names as one, names as other"
        " where one.last_key <> other.last_key"
        " and jaro_winkler_similarity(one.last_key, other.last_key) < $likeness",
        likeness=likeness,
    ).rows()

    def words(number: int) -> list[str]:
        key = query(work, "select last_key from names where name_no = $no", no=number).item()
        return str(key).split(" ")

    def is_part(one: list[str], other: list[str]) -> bool:
        return one in (other[: len(one)], other[-len(one) :])

    return [
        (one, other)
        for one, other in pairs
        if not is_part(words(one), words(other)) and not is_part(words(other), words(one))
    ]


def fill_values(work: Work, stated: Sequence[tuple[int, int]]) -> None:
    work.execute("create or replace table value_names (value_no bigint, name_no bigint)").fetchall()
    append(work, "value_names", pl.DataFrame(stated, ["value_no", "name_no"], orient="row"))


@pytest.mark.parametrize(
    ("names", "people"),
    [
        ([], None),
        ([Name()], 0),
        ([Name(), Name("ann")], 1),
        ([Name("ann"), Name("ann", "smith"), Name("a", "smith")], 1),
        ([Name("bob", "smith"), Name("robert", "smith"), Name("ann", "smith")], 2),
        ([Name("ann", "smith"), Name("ann", "jones")], 2),
        ([Name("bob", "smith", "jr"), Name("bob", "smith", "sr"), Name("bob", "smith")], 2),
        ([Name("ann"), Name("bob"), Name("carl"), Name("dora"), Name("emil")], 4),
    ],
)
def test_how_many_people_a_value_has(work: Work, names: list[Name], people: int | None) -> None:
    """Spellings of one person are one; counting ends at one more than the limit."""
    fill(work, names)
    fill_values(work, [(1, number) for number in range(len(names))])
    count_people(work, likeness=0.8, limit=3)
    assert query(work, "from value_people").rows() == ([] if people is None else [(1, people)])


def test_a_value_of_a_hundred_thousand_names(work: Work) -> None:
    """An office line costs a pass for each person, not a comparison for each pair."""
    letters = pl.Series(list("abcdefghijklmnopqrstuvwxyz"))
    number = pl.int_range(100_000)
    names = pl.select(name_no=number).with_columns(
        first_key=pl.concat_str(
            *(pl.lit(letters).gather(pl.col("name_no") // 26**place % 26) for place in range(4))
        ),
        last_key=pl.lit("smith"),
        suffix_key=pl.lit(None, pl.String),
    )
    work.execute("truncate names").fetchall()
    append(work, "names", names)
    fill_values(work, [])
    append(work, "value_names", names.select(name_no="name_no", value_no=pl.lit(7)))
    count_people(work, likeness=0.8, limit=3)
    assert query(work, "from value_people").rows() == [(7, 4)]
