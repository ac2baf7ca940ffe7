"""An app's database is taken over while the app goes on writing, and given back as it was.

The command runs as it is, and is killed -9 in its midst. What is to become of the rows is told by
a plain loop (adopting_oracle.py) over what was read beforehand. ``LEADFOLD_ADOPT_ROWS=1_000_000
LEADFOLD_SOAK=1`` is the full size; ``-n0 -s`` shows the locks and how long the writer waited.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from flows import local_postgres
from tests.adopting_oracle import COUNTED, FILLED, KEYS, is_blank, read_leads
from tests.adopting_runs import (
    APPLY,
    RESTORE,
    ROWS,
    Adopting,
    Taken,
    end_others,
    is_cleaning,
    number,
    others,
    reporting,
    some,
    try_duplicates,
)
from tests.adopting_world import (
    LARGEST,
    TABLES,
    build,
    catalog,
    connect,
    copy_database,
    database_of,
    differences,
)
from tests.adopting_writer import writing

INDEXES = {
    "leads_phone_workspace_id_unique_idx": ("phone", "workspace_id"),
    "leads_device_id_phone_unique_idx": ("device_id", "phone"),
}
# The columns that refer to leads by an id, and the other columns of their tables.
REFERENCES = {
    "calls": "user_id, started_at, duration_seconds, outcome",
    "messages": "body, sent_at",
    # A deal is moved with its workspace, of which its foreign key takes care.
    "deals": "CASE WHEN lead_id IS NULL THEN workspace_id END, title, amount",
    "notes": "body",
}
# What refers to leads is looked at by itself, and what the app edits comes last.
_EDITED = ("updated_at", "status", "notes")
_UNEDITED = [column for column in COUNTED if column not in ("referred_by", *_EDITED)]
LEAD_COLUMNS = ", ".join(("id", "full_name", *_UNEDITED, *_EDITED))


class World:
    """The databases: as it was, and copies of it."""

    def __init__(self, home: Path, stack: ExitStack) -> None:
        self.stack = stack
        self.first = local_postgres.recreate_database(home, "adopting_before")
        self.names = ["adopting_before"]
        self.admin = stack.enter_context(connect(database_of(self.first, "postgres")))
        stack.callback(self.drop)
        with connect(self.first) as connection:
            build(connection, ROWS)

    def copy(self, name: str, source: str = "before") -> str:
        """Copy a database to which nobody is connected; gives the address."""
        self.names.append(f"adopting_{name}")
        copy_database(self.admin, f"adopting_{source}", f"adopting_{name}")
        return database_of(self.first, f"adopting_{name}")

    def taken(self, address: str, said: Any) -> Taken:
        """One of the copies, beside what it was."""
        taken = Taken(self.first, address, said)
        self.stack.callback(taken.close)
        return taken

    def drop(self) -> None:
        for name in self.names:
            self.admin.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )


@pytest.fixture(scope="module")
def world(server_home: Path) -> Iterator[World]:
    with ExitStack() as stack:
        world = World(server_home, stack)
        for name in ("live", "alone"):
            world.copy(name)
        yield world


@pytest.fixture(scope="module")
def live(world: World, tmp_path_factory: pytest.TempPathFactory) -> Taken:
    """Taken over in three runs, two of them killed, while the app writes."""
    address = database_of(world.first, "adopting_live")
    adopting = Adopting(address, tmp_path_factory.mktemp("live"))
    told: list[str] = []
    refusals: list[str] = []
    with connect(address) as after, writing(address, ROWS) as writer:
        writer.await_more(100)
        if adopting.kill_when(lambda: is_cleaning(after), *APPLY):
            told.append(f"killed while it cleaned: {batches(after)}")
            refusals = try_duplicates(after)
        else:
            told.append("MISSED: it had cleaned before it could be killed")
        with reporting(address) as report:
            if adopting.kill_when(lambda: report.meets_index(after), *APPLY):
                # Postgres would go on building for a process that is no more.
                end_others(after)
                told.append(f"killed while it built an index: {invalid(after)} left")
            else:
                told.append("MISSED: no index was seen while it was built")
        said = finish(adopting, after, told)
        writer.await_more(100)
    taken = world.taken(address, said)
    taken.writes, taken.told, taken.refusals = writer.writes, told, refusals
    slowest = max(writer.writes, key=lambda write: write.latency_seconds)
    refused = Counter(write.constraint or write.refused for write in writer.writes if write.refused)
    told.append(f"{len(writer.writes)} writes, of which were refused {dict(refused)}")
    told.append(f"the longest, a {slowest.kind}, took {slowest.latency_seconds:.3f} s")
    told.append(
        f"{len(taken.groups)} groups, the app in {len(taken.groups.keys() & taken.touched)}"
    )
    tell("live", taken)
    return taken


@pytest.fixture(scope="module")
def alone(world: World, tmp_path_factory: pytest.TempPathFactory) -> Taken:
    """Taken over at once, while nobody writes."""
    address = database_of(world.first, "adopting_alone")
    said = Adopting(address, tmp_path_factory.mktemp("alone")).finish(*APPLY)
    for name in ("restored", "edited"):
        world.copy(name, "alone")
    taken = world.taken(address, said)
    tell("alone", taken)
    return taken


@pytest.fixture(params=["live", "alone"])
def taken(request: pytest.FixtureRequest) -> Taken:
    found: Taken = request.getfixturevalue(request.param)
    return found


def finish(adopting: Adopting, after: psycopg.Connection, told: list[str]) -> Any:
    """Run to the end. What a killed run left to Postgres may keep one run out, not a second."""
    code, errors = adopting.run(*APPLY)
    if code == 0:
        return adopting.said()
    told.append(f"refused at first, with {others(after)} connections left: {errors.strip()}")
    end_others(after)
    return adopting.finish(*APPLY)


def batches(connection: psycopg.Connection) -> str:
    rows = connection.execute(
        "SELECT index_name, state, count(batch_no) FROM leadfold_adopt.keys"
        " LEFT JOIN leadfold_adopt.batches USING (key_no) GROUP BY key_no, 1, 2 ORDER BY key_no"
    )
    return ", ".join(f"{name} {state} after {count} batches" for name, state, count in rows)


def invalid(connection: psycopg.Connection) -> str:
    query = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
    return ", ".join(name for (name,) in connection.execute(query)) or "no invalid one"


def tell(name: str, taken: Taken) -> None:
    print(f"\n{name}, {ROWS} leads, {len(taken.removed)} removed")
    for line in taken.told:
        print(f"  {line}")
    for key in taken.said["keys"]:
        print(f"  {key}")
    for lock in taken.said["locks"]:
        print(f"  {lock}")


def test_the_world_holds_every_case(alone: Taken) -> None:
    """Each step of the ranking decides somewhere, and enough rows go to make it hard."""
    decided = alone.folded.decided
    steps = {"completeness", "newest", "newest null", "oldest", "oldest null", "id"}
    assert {*steps, "filled before"} <= {step for step, count in decided.items() if count}
    assert sum(alone.folded.removed) >= max(100, 8069 * ROWS // 1_000_000)
    assert max(map(len, alone.groups.values())) == LARGEST


def test_the_app_met_both(live: Taken) -> None:
    """The app wrote to groups, and left others as they were, so that both are looked at."""
    assert len(live.groups.keys() & live.touched) >= 10
    assert len(live.groups.keys() - live.touched) >= 10


def test_indexes_are_valid(taken: Taken) -> None:
    """Both indexes are valid, and nothing else is new in the app's schema."""
    rows = taken.after.execute(
        "SELECT indexrelid::regclass::text, indisvalid AND indisready AND indisunique"
        " FROM pg_index WHERE indrelid = 'public.leads'::regclass"
    ).fetchall()
    assert {name: is_good for name, is_good in rows if name in INDEXES} == dict.fromkeys(
        INDEXES, True
    )
    new = catalog(taken.after) ^ catalog(taken.before)
    assert {(kind, name) for kind, name, _ in new} == {("index", name) for name in INDEXES}
    states = taken.after.execute("SELECT index_name, state FROM leadfold_adopt.keys").fetchall()
    assert dict(states) == dict.fromkeys(INDEXES, "valid")
    assert {key["index"]: tuple(key["columns"]) for key in taken.said["keys"]} == INDEXES
    assert all(key["is_valid"] for key in taken.said["keys"])


@pytest.mark.parametrize("key", KEYS)
def test_no_duplicates_are_left(taken: Taken, key: tuple[str, str]) -> None:
    """No two rows are equal in a key, whatever the indexes say."""
    one, other = key
    assert not taken.after.execute(
        f"SELECT {one}, {other} FROM (SELECT phone, device_id, workspace_id::text FROM leads) AS l"
        f" WHERE {one} <> '' AND {other} <> '' GROUP BY 1, 2 HAVING count(*) > 1 LIMIT 5"
    ).fetchall()


@pytest.mark.parametrize(("index", "key"), INDEXES.items())
def test_a_new_duplicate_is_refused(taken: Taken, index: str, key: tuple[str, str]) -> None:
    """The index refuses a duplicate by its name, and lets blanks in again and again."""
    insert = "INSERT INTO leads (workspace_id, device_id, phone) VALUES (%s, %s, %s)"
    stored = taken.after.execute(
        "SELECT workspace_id, device_id, phone FROM leads WHERE phone <> '' AND device_id <> ''"
    ).fetchone()
    assert stored
    workspace, device, phone = stored
    elsewhere = taken.after.execute(
        "SELECT id FROM workspaces"
        " WHERE id NOT IN (SELECT workspace_id FROM leads WHERE phone = %s)",
        [phone],
    ).fetchone()
    assert elsewhere
    duplicate = (workspace, None, phone) if "workspace_id" in key else (*elsewhere, device, phone)
    with pytest.raises(psycopg.errors.UniqueViolation) as refused:
        taken.after.execute(insert, duplicate)
    assert refused.value.diag.constraint_name == index
    with taken.after.transaction(force_rollback=True):
        for values in (("", ""), (None, None), (device, ""), (device, None)) * 2:
            taken.after.execute(insert, [workspace, *values])


def test_a_duplicate_is_refused_already_while_it_cleans(live: Taken) -> None:
    """What the index will refuse is refused by its name before, also while no process runs."""
    # Empty where it had cleaned before it could be killed.
    assert set(live.refusals) <= {"leads_phone_workspace_id_unique_idx"}


@pytest.mark.parametrize("table", REFERENCES)
def test_no_reference_is_lost(taken: Taken, table: str) -> None:
    """What referred to a row that went refers to its survivor; all else in it is as it was."""
    query = f"SELECT id, lead_id, {REFERENCES[table]} FROM {table} ORDER BY id"
    own = {
        write.row_id: (write.values[0], write.values[1].encode())
        for write in taken.written("call")
        if table == "calls"
    }
    new, wrong = set(), []
    for before, after in taken.paired(query):
        if before and after:
            is_right = taken.is_right(number(before[1]), number(after[1]))
            if not is_right or before[2:] != after[2:]:
                wrong.append((before, after))
        elif after and number(after[0]) in own:
            lead, outcome = own[number(after[0])]
            new.add(number(after[0]))
            if not taken.is_right(lead, number(after[1])) or after[-1] != outcome:
                wrong.append((lead, after))
        else:
            wrong.append((before, after))
    assert not some(wrong)
    assert new == own.keys()


def test_no_reference_of_leads_is_lost(taken: Taken) -> None:
    """A lead that was referred by one who went is referred by the survivor now."""
    wrong = []
    for before, after in taken.paired("SELECT id, referred_by FROM leads ORDER BY id"):
        if before and after:
            left, right = number(before[1]), number(after[1])
            # A blank of a survivor may be filled.
            is_blank_of_group = left is None and taken.group.get(int(before[0])) in taken.groups
            if not is_blank_of_group and not taken.is_right(left, right):
                wrong.append((before, after))
    assert not some(wrong)


def test_no_tag_is_lost(taken: Taken) -> None:
    """Every tag of a row that went is its survivor's, once; what was there already stays."""
    query = "SELECT lead_id, tag_id, added_at FROM lead_tags"
    before = {(lead, tag): moment for lead, tag, moment in taken.before.execute(query)}
    after = {(lead, tag): moment for lead, tag, moment in taken.after.execute(query)}
    own = {write.values for write in taken.written("tag")}
    group = {lead: ("group", taken.group[lead]) for lead in taken.group}
    tagged = {(group.get(lead, lead), tag) for lead, tag in {*before, *own}}
    assert tagged == {(group.get(lead, lead), tag) for lead, tag in after}
    wrong = []
    for (lead, tag), moment in before.items():
        if lead not in taken.group or lead in taken.standing:
            if after.get((lead, tag)) != moment:
                wrong.append((lead, tag, moment))
        elif taken.group[lead] in taken.touched:
            continue
        elif (taken.folded.survivor(lead), tag) not in after:
            wrong.append((lead, tag, moment))
    assert not some(wrong)


def test_survivors_are_those_of_the_rule(taken: Taken) -> None:
    """In groups that the app let be, the rule tells who stays, and what its blanks become."""
    groups = [leads for group, leads in taken.groups.items() if group not in taken.touched]
    leads = [lead for group in groups for lead in group]
    expected = {lead: taken.folded.rows[lead] for lead in leads if lead in taken.folded.rows}
    found = read_leads(taken.after, "id = ANY(%s)", leads)
    assert found.keys() == expected.keys()
    wrong = []
    for lead, row in found.items():
        for column, value in expected[lead].items():
            is_right = value == row[column]
            if column == "referred_by":
                is_right = taken.is_right(value, row[column])
            if not is_right:
                wrong.append((lead, column, value, row[column]))
    assert not some(wrong)


def test_who_is_in_no_group_is_as_before(taken: Taken) -> None:
    """Only members of groups go or are filled; everybody else is what the app made of them."""
    edited = {write.values[2] for write in taken.written("edit")}
    new, gone, wrong = set(), set(), []
    query = f"SELECT {LEAD_COLUMNS} FROM leads ORDER BY id"
    for before, after in taken.paired(query):
        lead = int((before or after or [])[0])
        if before is None:
            new.add(lead)
        elif after is None:
            gone.add(lead)
        elif taken.group.get(lead) not in taken.groups:
            fields = -len(_EDITED) if lead in edited else None
            if before[:fields] != after[:fields]:
                wrong.append((before, after))
    assert not some(wrong)
    assert new == taken.own.keys() & taken.standing
    assert gone <= {lead for group in taken.groups.values() for lead in group}
    assert sorted(taken.removed) == sorted(gone | (taken.own.keys() - new))


def test_every_lead_of_the_app_is_there_or_merged(live: Taken) -> None:
    """A lead that the app committed is there, or somebody of its group is."""
    standing = {live.group[lead] for lead in live.standing}
    assert not some(lead for lead in live.own if live.group[lead] not in standing)
    assert live.own.keys() <= {*live.standing, *live.removed}
    assert len(live.own) > 0


def test_no_edit_of_the_app_is_lost(live: Taken) -> None:
    """What the app wrote last into a lead stands in it, or in what is kept of it."""
    last: dict[int, dict[int, tuple[str, str]]] = {}
    for write in live.written("edit"):
        status, notes, lead = write.values
        # Which of the two threads was the later one is not known.
        last.setdefault(lead, {})[write.thread] = (status, notes)
    found = live.after.execute(
        "SELECT id, status, notes FROM leads WHERE id = ANY(%s) UNION ALL"
        " SELECT id, status, notes FROM leadfold_adopt.removed_leads WHERE id = ANY(%s)",
        [list(last), list(last)],
    ).fetchall()
    assert len(found) == len(last) > 0
    assert not some(
        (lead, status, notes, last[lead])
        for lead, status, notes in found
        if (status, notes) not in last[lead].values()
    )


def test_the_app_got_no_other_errors(live: Taken) -> None:
    """The app is refused what is a duplicate, and what refers to a lead that has gone."""
    refused = [write for write in live.writes if write.refused == "23505" and write.kind == "lead"]
    query = "SELECT workspace_id::text, device_id, phone FROM {} WHERE phone = ANY(%s)"
    phones = [write.values[2] for write in refused]
    stored = [
        {"workspace_id": workspace, "device_id": device, "phone": phone}
        for table in ("leads", "leadfold_adopt.removed_leads")
        for workspace, device, phone in live.after.execute(query.format(table), [phones])
    ]
    keys = {
        index: {tuple(row[column] for column in key) for row in stored}
        for index, key in INDEXES.items()
    }
    removed, wrong = set(live.removed), []
    for write in live.writes:
        if write.refused == "23505" and write.kind == "lead":
            workspace, device, phone = write.values[:3]
            row = {"workspace_id": str(workspace), "device_id": device, "phone": phone}
            key = INDEXES.get(write.constraint)
            if not key or tuple(row[column] for column in key) not in keys[write.constraint]:
                wrong.append(write)
        elif write.refused == "23503" and write.kind in {"call", "tag"}:
            if write.values[0] not in removed:
                wrong.append(write)
        elif write.refused:
            wrong.append(write)
    assert not some(wrong)


def test_the_app_hardly_waits(live: Taken) -> None:
    """No write of the app takes a second."""
    longest_seconds = max(write.latency_seconds for write in live.writes)
    if "LEADFOLD_SOAK" in os.environ:
        assert longest_seconds < 1


def test_it_tells_what_it_did(alone: Taken) -> None:
    """The groups and rows of each key are those of the rule."""
    assert [key["groups"] for key in alone.said["keys"]] == alone.folded.groups
    assert [key["removed"] for key in alone.said["keys"]] == alone.folded.removed
    assert {lock["statement"] for lock in alone.said["locks"]}


def test_everything_is_given_back(world: World, alone: Taken, tmp_path: Path) -> None:
    """After a restore every row of every table is what it was, and nothing of ours is left."""
    address = database_of(world.first, "adopting_restored")
    said = Adopting(address, tmp_path / "restore").finish(*RESTORE)
    print(f"\nrestored: {json.dumps(said['locks'], indent=2)}")
    assert said["left"] == []
    assert said["restored"]["removed"] == len(alone.removed)
    for name in ("moved", "dropped", "changed"):
        assert said["restored"][name] > 0, name
    with connect(address) as after:
        for table in TABLES:
            gone, new = differences(alone.was, address, table)
            assert (some(sorted(gone)), some(sorted(new))) == ([], []), table
        assert catalog(after) == catalog(alone.before)


def test_what_the_app_edited_is_left(world: World, alone: Taken, tmp_path: Path) -> None:
    """A restore leaves what the app wrote since, says so, and gives back everything else."""
    address = database_of(world.first, "adopting_edited")
    before, applied = alone.similar, read_leads(alone.after, "id = ANY(%s)", list(alone.group))
    filled, other = (
        next(
            lead
            for lead in sorted(applied)
            if (is_blank(before[lead]["notes"]) and not is_blank(applied[lead]["notes"]))
            is has_notes
            and any(before[lead][column] != applied[lead][column] for column in FILLED)
        )
        for has_notes in (True, False)
    )
    moved = [
        (int(one[0]), number(one[1]), number(two[1]))
        for one, two in alone.paired("SELECT id, lead_id FROM calls ORDER BY id")
        if one and two and one != two
    ]
    (repointed, _, _), (spoken, spoken_before, spoken_after) = moved[0], moved[1]
    stranger = next(lead for lead in range(1, ROWS) if lead not in alone.group)
    with connect(address) as after:
        after.execute("UPDATE leads SET notes = 'edited' WHERE id = %s", [filled])
        after.execute("UPDATE leads SET status = 'edited' WHERE id = %s", [other])
        after.execute("UPDATE calls SET lead_id = %s WHERE id = %s", [stranger, repointed])
        after.execute("UPDATE calls SET outcome = 'edited' WHERE id = %s", [spoken])
        row = after.execute(
            "INSERT INTO calls (lead_id, outcome) VALUES (%s, 'new') RETURNING id", [filled]
        ).fetchone()
        assert row
        said = Adopting(address, tmp_path / "edited").finish(*RESTORE, expected=1)
        print(f"\nleft: {json.dumps(said['left'], indent=2)}")

        def is_left(table: str, row_id: int) -> bool:
            return any(
                entry["table"].split(".")[-1] == table
                and re.search(rf"(?<!\d){row_id}(?!\d)", json.dumps(entry["row"]))
                and entry["why"]
                for entry in said["left"]
            )

        assert is_left("leads", filled)
        assert is_left("calls", repointed)
        edited = {("leads", filled), ("leads", other), ("calls", repointed), ("calls", spoken)}
        assert len(said["left"]) <= sum(is_left(*each) for each in edited)

        found = read_leads(after, "id = ANY(%s)", [filled, other])
        assert (found[filled]["notes"], found[other]["status"]) == ("edited", "edited")
        for lead, column in ((filled, "notes"), (other, "status")):
            kept = applied if is_left("leads", lead) else before
            for each in {*COUNTED, "full_name"} - {column}:
                assert found[lead][each] in (before[lead][each], kept[lead][each]), (lead, each)
        calls = {
            call: (lead, outcome)
            for call, lead, outcome in after.execute(
                "SELECT id, lead_id, outcome FROM calls WHERE id = ANY(%s)",
                [[repointed, spoken, row[0]]],
            )
        }
        assert calls[repointed][0] == stranger
        may_be = {spoken_before, spoken_after if is_left("calls", spoken) else spoken_before}
        assert calls[spoken][0] in may_be
        assert calls[spoken][1] == "edited"
        assert calls[row[0]] == (filled, "new")

        changed = {"leads": {filled, other}, "calls": {repointed, spoken, row[0]}}
        for table in TABLES:
            for lines in differences(alone.was, address, table):
                rows = {line.split(b"\t")[0] for line in lines}
                assert rows <= {b"%d" % each for each in changed.get(table, set())}, table
