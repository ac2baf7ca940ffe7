"""The promises as properties: they hold after any sequence of files, whatever collides in them.

Every example has several villages (tests/worlds.py), each a small world of its own. To soak:
``LEADFOLD_EXAMPLES=200``; to have a failing example made small: ``LEADFOLD_SHRINK=1``.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from flows.jobs import Outcome
from tests.conftest import snapshot
from tests.place import Place, attack, troubled_villages
from tests.states import (
    check_claims,
    check_golden,
    content,
    opt_outs,
    people,
    plain,
)
from tests.worlds import File, files, village_of, without_ties, worlds


@attack
@given(worlds())
def test_every_row_is_accounted_for(place: Place, world: tuple[File, ...]) -> None:
    """Landed is every record of the file, and the sum of what became of them; what is accepted is
    a lead."""
    place.empty()
    for file in world:
        counts = place.run(file).counts
        assert counts.landed == len(file.rows) == sum(counts) - counts.landed
        said = [
            row
            for row in file.rows
            if file.claims(row) and row.damage is None and not row.is_deleted
        ]
        held = {
            (lead["source_file"], lead["source_record_id"])
            for person in people(place.connection)
            for lead in person.leads
        }
        source_file = f"{file.source}/{'default' if file.source != 'generic' else file.name}"
        records = {file.record_id(row) for row in said} - {""}
        assert {(source_file, record) for record in records} <= held
        assert counts.rejected >= sum(row.damage is not None for row in file.rows)
        assert counts.rejected <= len(file.rows) - len(said) - sum(
            row.is_deleted and row.damage is None for row in file.rows
        )


@attack
@given(worlds(most=3))
def test_a_file_that_is_in_writes_nothing(place: Place, world: tuple[File, ...]) -> None:
    """The last file again, and an earlier one whose records no later one states: no row is written,
    moved or locked. Nor is a lead changed by the same said in other spellings."""
    place.empty()
    for file in world:
        place.run(file)
    before = snapshot(place.connection)
    again = [world[-1]]
    for number, file in enumerate(world[:-1]):
        later = {
            r for other in world[number + 1 :] if other.source == file.source for r in other.records
        }
        if not later & file.records:
            again.append(file)
    for file in again[:2]:
        counts = place.run(file).counts
        assert (counts.inserted, counts.updated, counts.deleted) == (0, 0, 0)
        assert snapshot(place.connection) == before
    if world[-1].source != "generic":  # rows of a list may have no id but their spelling
        held = content(place.connection)
        counts = place.run(replace(world[-1], spelling=1)).counts
        assert (counts.inserted, counts.updated, counts.deleted) == (0, 0, 0)
        assert content(place.connection) == held


@attack
@given(
    worlds(most=3),
    st.randoms(use_true_random=False),
    st.sampled_from([1, 3, 7]),
    st.sampled_from([1, 2, 4]),
)
def test_order_chunks_workers_and_neighbours_change_nothing(
    place: Place, world: tuple[File, ...], random: object, chunk_rows: int, threads: int
) -> None:
    """Rows in any order, any number at a time and by any number of workers, while another team
    imports: the same people."""
    place.empty("one", "two")
    tidy = [without_ties(file) for file in world]

    def run_all(
        team: str, changed: Callable[[File], File], chunk_rows: int, threads: int
    ) -> list[Outcome]:
        return [place.run(changed(file), team, chunk_rows, threads) for file in tidy]

    def shuffled(file: File) -> File:
        rows = list(file.rows)
        random.shuffle(rows)  # type: ignore[attr-defined]
        return replace(file, rows=tuple(rows))

    most = max(len(file.rows) for file in tidy)
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(run_all, "one", lambda file: file, 1000, 1)
        # A chunk costs a fifth of a second, so there are at most four.
        two = pool.submit(run_all, "two", shuffled, max(chunk_rows, -(-most // 4)), threads)
    for first, second in zip(one.result(), two.result(), strict=True):
        assert first.counts == second.counts
        assert first.match == second.match
    assert content(place.connection, "one") == content(place.connection, "two")


@attack
@given(
    st.sampled_from(["hubspot", "salesforce"]).flatmap(
        lambda source: files(source, "feed.csv", is_calm=True, most_rows=8)
    ),
    st.integers(1, 7),
)
def test_one_file_after_the_other_is_both_at_once(place: Place, file: File, step: int) -> None:
    """A then B of a feed gives the same leads and people as A+B, where no guard held a link back
    and no link would have bridged two people."""
    place.empty("parts", "whole")
    rows = without_ties(file).rows
    part_a = tuple(row for at, row in enumerate(rows) if at % 8 < step)
    part_b = tuple(row for at, row in enumerate(rows) if at % 8 >= step)
    assume(part_a and part_b)
    place.run(replace(file, rows=part_a), "parts")
    place.run(replace(file, rows=part_b), "parts")
    place.run(replace(file, rows=part_a + part_b), "whole")
    troubled = {
        village for team in ("parts", "whole") for village in troubled_villages(place, team)
    }
    assert by_village(place, "parts", troubled) == by_village(place, "whole", troubled)


def by_village(place: Place, team: str, but: set[int | None]) -> list[list[str]]:
    """The leads of each person, but for some villages."""
    return sorted(
        sorted(plain(lead, "fingerprint") for lead in person.leads)
        for person in people(place.connection, team)
        if not {village_of(*claim) for claim in person.identities} & but
    )


@attack
@given(worlds())
def test_one_claim_identifies_one_person(place: Place, world: tuple[File, ...]) -> None:
    """No two people hold an exclusive claim; who shares one holds it as shared; none is lost; and a
    golden phone, email or id is one that its person holds."""
    place.empty()
    for file in world:
        place.run(file)
        check_claims(place.connection)


@attack
@given(worlds())
def test_the_golden_record_is_a_function_of_the_leads(
    place: Place, world: tuple[File, ...]
) -> None:
    """After every file, every field of every person is what a plain loop over the leads says."""
    place.empty()
    for file in world:
        place.run(file)
        for person in people(place.connection):
            check_golden(person)


@attack
@given(worlds(least=2, most=3))
def test_what_was_edited_by_hand_stays(place: Place, world: tuple[File, ...]) -> None:
    """No later file takes an edit back; the other fields go on as ever."""
    place.empty()
    place.run(world[0])
    place.connection.execute("UPDATE personas SET city = 'By Hand'")
    edited = {p.golden["persona_id"] for p in people(place.connection)}
    for file in world[1:]:
        place.run(file)
        for person in people(place.connection):
            golden = person.golden
            if golden["persona_id"] in edited:
                assert golden["city"] == "By Hand"
                assert list(golden["edited_fields"] or ()) == ["city"]
            check_golden(person)


@attack
@given(worlds(), st.integers(0, 3))
def test_no_opt_out_is_lost(place: Place, world: tuple[File, ...], again: int) -> None:
    """Every row that states one counts, also a duplicate and a reject whose claims can be read; no
    later file takes one back."""
    place.empty()
    expected: set[tuple[str, str, str]] = set()
    stated: set[tuple[str, str, str]] = set()
    before: set[tuple[str, str, str]] = set()
    for file in (*world, world[again % len(world)]):
        place.run(file)
        for row in file.rows:
            expected |= file.opt_outs(row)
            stated |= file.stated(row)
        now = opt_outs(place.connection)
        assert expected <= now
        assert before <= now
        assert {out for out in now if out[0] != "record"} <= stated, "nobody said so"
        before = now
