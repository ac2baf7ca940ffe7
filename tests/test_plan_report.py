"""What a plan says to people: every kind of change, on the screen and as a file."""

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import psycopg
import pytest

import flows.folding
from contracts.guards import GUARDS, REASONS, WORDS
from contracts.registry import load_policy, load_source
from flows import candidates, ledger, plan_report
from flows.importing import run_import
from flows.jobs import Outcome, Request
from flows.settings import Settings
from tests.conftest import Import, snapshot
from tests.test_report import make_entry, shown
from transforms.plan_changes import SCHEMA, Change

Plan = Callable[..., list[Change]]
BOB = (
    "id,name,phone,email,city,updated_at\n1,Bob Ray,415-555-2671,bob@example.com,Bonn,2026-01-01\n"
)


@pytest.fixture
def plan(settings: Settings, connection: psycopg.Connection, tmp_path: Path) -> Plan:
    """Dry-runs a text as a file and gives its whole plan, read back from Parquet."""

    def do(text: str, source: str = "generic", name: str = "list.csv") -> list[Change]:
        path, target = tmp_path / name, tmp_path / "plan.parquet"
        path.write_text(text, encoding="utf-8")
        before = snapshot(connection)
        (outcome,) = run_import(
            Request(path, "acme", source, is_dry_run=True, plan_file=target), settings
        )
        assert outcome.is_good, outcome.reason
        assert snapshot(connection) == before, "a dry run writes nothing"
        frame = pl.read_parquet(target)
        assert frame.schema == SCHEMA
        changes = [Change(*row) for row in frame.iter_rows()]
        check_counts(outcome, changes)
        return changes

    return do


def check_counts(outcome: Outcome, changes: list[Change]) -> None:
    """The rows of a plan add up to the counts of the import, and to what it writes."""
    assert outcome.changes
    assert outcome.changes.rows == len(changes)
    numbers = sorted({change.change_no for change in changes})
    assert numbers == list(range(1, len(numbers) + 1))
    firsts = {change.change_no: change for change in changes}.values()
    done = Counter((change.what, change.action) for change in firsts)
    assert done == Counter(
        {
            (what, action): count
            for what, actions in outcome.changes.counts.items()
            for action, count in actions.items()
        }
    )
    of_file = Counter(
        change.action for change in firsts if change.what == "lead" and change.line_no
    )
    counts = outcome.counts
    assert of_file["insert"] == counts.inserted
    assert of_file["update"] == counts.updated
    assert of_file["delete"] == counts.deleted
    assert of_file["unchanged"] == counts.unchanged
    assert done["reject", "reject"] == counts.rejected
    for table, what in (("personas", "persona"), ("leads", "lead"), ("identities", "claim")):
        effects = outcome.effects.get(table, {})
        told = [n for (w, a), n in done.items() if w == what and a not in _NOT_WRITTEN]
        assert sum(told) == sum(effects.values()), table
    assert done["opt_out", "insert"] == outcome.effects.get("opt_outs", {}).get("insert", 0)
    noted = [c for c in firsts if c.action == "hold" and c.rule != "claim_taken"]
    assert len(noted) == sum(outcome.effects.get("merge_candidates", {}).values())


_NOT_WRITTEN = ("unchanged", "skip", "hold")


def of(changes: list[Change], what: str, action: str) -> list[Change]:
    return [change for change in changes if (change.what, change.action) == (what, action)]


@contextmanager
def policy_with(connection: psycopg.Connection, **settings: object) -> Iterator[None]:
    changed = load_policy("default").model_copy(update=settings)
    connection.execute("UPDATE teams SET policy_rules = %s", [changed.model_dump_json()])
    yield
    connection.execute("UPDATE teams SET policy_rules = NULL")


def test_a_new_person_is_told_by_what_people_know_them(plan: Plan) -> None:
    """One row for the person, one for the record, and one for each phone, email and id."""
    changes = plan(BOB)
    (person,) = of(changes, "persona", "insert")
    (lead,) = of(changes, "lead", "insert")
    assert person.after == lead.after == "Bob Ray, +14155552671, bob@example.com"
    assert (person.name, person.line_no, person.source_record_id, person.found_by) == (
        *("Bob Ray", 2, "1", "new"),
    )
    assert lead.other_id == person.id
    assert [(claim.field, claim.after) for claim in of(changes, "claim", "insert")] == [
        ("email", "bob@example.com"),
        ("phone", "+14155552671"),
    ]
    assert len(changes) == 4


def test_an_update_tells_each_field_before_and_after_with_what_won(
    plan: Plan, import_text: Import
) -> None:
    """Filled, replaced and emptied fields; the rule, the source and the record of the new value."""
    import_text(BOB)
    changes = plan(
        BOB.replace("Bonn", "Kiel").replace("01-01", "02-01").replace("city,", "city,title,")
        .replace("Kiel,", "Kiel,CEO,")
    )  # fmt: skip
    people = of(changes, "persona", "update")
    assert [(c.field, c.before, c.after, c.rule, c.source, c.source_file) for c in people] == [
        ("city", "Bonn", "Kiel", "newest", "generic", "generic/list.csv"),
        ("job_title", None, "CEO", "newest", "generic", "generic/list.csv"),
    ]
    assert {(c.source_record_id, c.line_no, c.name, c.found_by) for c in people} == {
        ("1", 2, "Bob Ray", "source_record")
    }
    leads = {c.field: (c.before, c.after) for c in of(changes, "lead", "update")}
    assert leads == {
        "city": ("Bonn", "Kiel"),
        "job_title": (None, "CEO"),
        "clock": ("2026-01-01 00:00:00", "2026-02-01 00:00:00"),
        "last_activity_at": ("2026-01-01 00:00:00", "2026-02-01 00:00:00"),
    }


def test_what_no_contract_names_is_told_by_its_header(plan: Plan, import_text: Import) -> None:
    """An update of a lead is never empty."""
    text = "id,name,phone,Favourite colour\n1,Bob,415-555-2671,teal\n"
    import_text(text)
    (lead,) = plan(text.replace("teal", "red"))
    assert (lead.what, lead.action) == ("lead", "update")
    assert (lead.field, lead.before, lead.after) == ("extra:Favourite colour", "teal", "red")


def test_unchanged_records_and_rejects_are_in_the_file(plan: Plan, import_text: Import) -> None:
    """Every record is accounted for; one that is known by its fingerprint has its name too."""
    text = BOB + "2,Zed,12,,,\n"
    import_text(text)
    unchanged, reject = plan(text)
    assert (unchanged.what, unchanged.action, unchanged.name) == ("lead", "unchanged", "Bob Ray")
    assert (unchanged.line_no, unchanged.source_record_id) == (2, "1")
    assert (reject.action, reject.line_no, reject.rule) == ("reject", 3, "no_identity")
    assert reject.why == "The row has no CRM id, phone or email that can be read."


def test_a_deleted_record_ends_and_its_person_with_it(plan: Plan, import_text: Import) -> None:
    """The record says why; and a person who comes back is told too."""
    import_text(BOB)
    gone = "id,phone,deleted,updated_at\n1,,yes,2026-02-01\n"
    changes = plan(gone)
    (lead,) = [c for c in of(changes, "lead", "delete") if c.field == "is_deleted"]
    assert (lead.after, lead.why) == ("yes", REASONS["deleted"])
    (person,) = of(changes, "persona", "delete")
    assert (person.field, person.after, person.why) == ("is_ended", "yes", REASONS["ended"])
    import_text(gone)
    (back,) = [
        c
        for c in of(plan(BOB.replace("01-01", "03-01")), "persona", "update")
        if c.field == "is_ended"
    ]
    assert (back.before, back.after, back.why) == ("yes", None, REASONS["revived"])


def test_what_a_snapshot_no_longer_has_ends(
    plan: Plan, import_text: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no line in the file."""
    feed = load_source("hubspot").model_copy(update={"mode": "snapshot"})
    header = "Record ID - Contact,First Name,Email,Lifecycle Stage\n"
    rows = [f"{n},P{n},p{n}@example.com,lead\n" for n in range(20)]
    import_text(header + "".join(rows), "hubspot")
    for module in ("jobs", "importing"):
        monkeypatch.setattr(f"flows.{module}.load_source", lambda name: feed)
    (lead, *_) = [
        c
        for c in plan(header + "".join(rows[1:]), "hubspot")
        if c.action == "delete" and c.what == "lead"
    ]
    assert (lead.field, lead.line_no, lead.name, lead.why) == (
        *("is_missing", None, "P0", REASONS["vanished"]),
    )


def test_a_merge_names_who_stays(
    plan: Plan, connection: psycopg.Connection, import_text: Import
) -> None:
    """Person, record and claims go to the older one."""
    import_text("name,phone\nBob Ray,415-555-2671\n", name="a.csv")
    import_text("name,email\nRobert Ray,bob@example.com\n", name="b.csv")
    with policy_with(connection, merge="auto"):
        changes = plan("name,phone,email\nBob Ray,415-555-2671,bob@example.com\n")
    (person,) = of(changes, "persona", "merge")
    (older,) = of(changes, "lead", "insert")
    assert (person.field, person.after, person.other_id) == ("merged_into", *[older.other_id] * 2)
    assert person.why == "Bob Ray and this are one person; the older of the two stays."
    (lead,) = of(changes, "lead", "merge")
    assert (lead.field, lead.before, lead.after) == ("persona_id", person.id, older.other_id)
    assert [c.before for c in of(changes, "claim", "delete")] == ["bob@example.com"]


def test_a_link_that_a_guard_holds_back_is_a_sentence(plan: Plan) -> None:
    """Who, what they share, and why they are two all the same."""
    changes = plan("name,phone\nAnn Lee,415-555-2671\nBob Lee,415-555-2671\n")
    (held,) = of(changes, "candidate", "hold")
    assert held.why == (
        "Ann Lee and Bob Lee share the phone +14155552671: their first names contradict."
    )
    assert (held.name, held.field, held.after, held.rule) == (
        *("Ann Lee", "phone", "+14155552671", "name"),
    )
    people = {c.name: c.id for c in of(changes, "persona", "insert")}
    assert (held.id, held.other_id) == (people["Ann Lee"], people["Bob Lee"])


@pytest.mark.parametrize(
    ("stored", "text", "guard", "names"),
    [
        ((), "name,phone\nBob Lee Jr,4155552671\nBob Lee Sr,4155552671\n", "suffix", "Bob Lee"),
        (
            ("name,phone\nBob Ray,4155552671\n", "name,email\nRob Ray,bob@example.com\n"),
            "name,phone,email\nBob Ray,4155552671,bob@example.com\n",
            "bridge",
            "Rob Ray and Bob Ray share the email bob@example.com: ",
        ),
        (
            (),
            "name,phone\nAnn Lee,4155552671\nBob Lee,4155552671\nLee,4155552671\n",
            "ambiguous",
            " share the phone +14155552671: ",
        ),
    ],
)
def test_every_guard_says_why(
    plan: Plan, import_text: Import, stored: tuple[str, ...], text: str, guard: str, names: str
) -> None:
    """The sentence is that of contracts/guards.py."""
    for number, earlier in enumerate(stored):
        import_text(earlier, name=f"{number}.csv")
    held = [c for c in of(plan(text), "candidate", "hold") if c.rule == guard]
    assert held
    assert held[0].why
    assert names in held[0].why
    assert held[0].why.endswith(GUARDS[guard])


def test_two_ids_of_one_crm(
    plan: Plan, connection: psycopg.Connection, import_text: Import
) -> None:
    """The guard that a policy sets."""
    with policy_with(
        connection, guards=load_policy("default").guards.model_copy(update={"crm_ids": True})
    ):
        text = "crm_id,name,phone\nC1,Bob,4155552671\nC2,Bob,4155552671\n"
        (held,) = of(plan(text), "candidate", "hold")
    assert (held.rule, (held.why or "").endswith(GUARDS["crm_id"])) == ("crm_id", True)
    assert "Bob and Bob share the phone +14155552671: " in (held.why or "")


def test_a_value_of_too_many_people(plan: Plan) -> None:
    """One row for the value, however many there are."""
    rows = "".join(f"{name},415-555-2671\n" for name in ("Ann", "Bob", "Cid", "Dan", "Eve"))
    changes = plan("name,phone\n" + rows)
    (shared,) = [c for c in of(changes, "claim", "hold") if c.rule == "shared_value"]
    assert shared.why == "The phone +14155552671: 5 " + REASONS["shared_value"]
    assert len(of(changes, "claim", "insert")) == 5
    assert {c.why for c in of(changes, "claim", "insert")} == {REASONS["shared_now"]}


def test_a_claim_of_somebody_else_is_told_with_its_holder(plan: Plan, import_text: Import) -> None:
    """What was stated and not moved."""
    import_text("crm_id,name\nC1,Carl\n", name="a.csv")
    import_text("name,phone\nPat,415-555-2671\n", name="b.csv")
    changes = plan("crm_id,name,phone\nC1,Carl,415-555-2671\n")
    (taken,) = [c for c in of(changes, "claim", "hold") if c.rule == "claim_taken"]
    assert taken.why == "The phone +14155552671: Pat " + REASONS["claim_taken"]
    assert (taken.name, taken.line_no) == ("Carl", 2)


def test_skipped_records_and_opt_outs(
    plan: Plan, connection: psycopg.Connection, import_text: Import
) -> None:
    """A policy that leaves known people as they are still hears that they opted out."""
    import_text(BOB)
    with policy_with(connection, on_duplicate="skip"):
        changes = plan("id,city,phone,dnc,updated_at\n1,Kiel,415-555-2671,yes,2026-02-01\n")
    (skipped,) = of(changes, "lead", "skip")
    assert (skipped.name, skipped.why) == ("Bob Ray", REASONS["skipped"])
    opt_outs = of(changes, "opt_out", "insert")
    assert {(c.after, c.name, c.line_no) for c in opt_outs} == {
        ("+14155552671", "Bob Ray", 2),
        ("1", "Bob Ray", 2),
    }


def test_every_word_has_its_guard() -> None:
    """A guard that is counted has a word; each has a sentence."""
    assert set(WORDS) - set(GUARDS) == {"shared_value", "claim_taken"}
    assert all(sentence.endswith(".") for sentence in (*GUARDS.values(), *REASONS.values()))


@pytest.mark.parametrize("chunk_rows", [2, 50_000])
def test_csv_and_parquet_say_the_same(
    settings: Settings,
    connection: psycopg.Connection,
    tmp_path: Path,
    chunk_rows: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A spreadsheet knows the CSV as UTF-8 and runs none of its cells; nobody else reads it."""
    stream = flows.plan_files.stream_changes
    monkeypatch.setattr("flows.plan_files.stream_changes", lambda work: stream(work, chunk_rows))
    path = tmp_path / "list.csv"
    path.write_text(
        'id,name,phone,Note\n1,=1+1 Łuk,415-555-2671,\n2,Ann,,\n3,-5,415-555-2672,"a,\nb"\n'
    )
    read = []
    for form in ("csv", "parquet", "CSV"):
        target = tmp_path / f"plan.{form}"
        (outcome,) = run_import(
            Request(path, "acme", "generic", is_dry_run=True, plan_file=target), settings
        )
        assert outcome.is_good, outcome.reason
        assert target.stat().st_mode & 0o777 == 0o600
        if form == "parquet":
            rows = [
                ["" if c is None else str(c) for c in r] for r in pl.read_parquet(target).rows()
            ]
            read.append([list(SCHEMA), *rows])
        else:
            assert target.read_bytes().startswith(b"\xef\xbb\xbfchange_no,")
            with target.open(encoding="utf-8-sig", newline="") as file:
                read.append(list(csv.reader(file)))
    spread, exact, again = read
    cells = {cell for row in spread for cell in row}
    assert "'=1+1 Łuk, +14155552671" in cells
    assert "'+14155552671" in cells
    assert not any(cell.startswith(("=", "+")) for cell in cells)
    ids = [list(SCHEMA).index("id"), list(SCHEMA).index("other_id")]
    assert no_ids(spread, ids) == no_ids(again, ids)
    unmarked = [[cell.removeprefix("'") for cell in row] for row in spread]
    assert no_ids(unmarked, ids) == no_ids(exact, ids)


def no_ids(rows: list[list[str]], ids: list[int]) -> list[list[str]]:
    """Rows without what is another one in each run."""
    return [[cell for n, cell in enumerate(row) if n not in ids] for row in rows]


def test_an_import_says_what_it_did(
    settings: Settings, connection: psycopg.Connection, tmp_path: Path
) -> None:
    """With ids that are in the database now: the plan is that of the dry run before."""
    path, target = tmp_path / "list.csv", tmp_path / "plan.parquet"
    path.write_text(BOB)
    told = []
    for is_dry_run in (True, False):
        request = Request(path, "acme", "generic", is_dry_run=is_dry_run, plan_file=target)
        (outcome,) = run_import(request, settings)
        assert outcome.changes
        told.append((outcome.changes.counts, pl.read_parquet(target).drop("id", "other_id")))
    assert told[0][0] == told[1][0]
    assert told[0][1].equals(told[1][1])
    stored = connection.execute("SELECT lead_id FROM leads UNION SELECT persona_id FROM personas")
    ids = {row_id for (row_id,) in stored.fetchall()}
    assert ids == set(pl.read_parquet(target)["id"].drop_nulls())
    (plain,) = run_import(Request(path, "acme", "generic"), settings)
    assert plain.changes is None, "an import that nobody asks for its plan does not pay for one"


def test_an_import_is_done_though_its_plan_cannot_be_written(
    settings: Settings, connection: psycopg.Connection, tmp_path: Path
) -> None:
    """The transaction is committed by then; a dry run fails instead."""
    path = tmp_path / "list.csv"
    path.write_text(BOB)
    target = tmp_path / "gone" / "plan.csv"
    (dry,) = run_import(
        Request(path, "acme", "generic", is_dry_run=True, plan_file=target), settings
    )
    assert (dry.status, "Nothing was imported" in dry.reason) == ("failed", True)
    (done,) = run_import(Request(path, "acme", "generic", plan_file=target), settings)
    assert done.status == "done"
    assert done.reason == (
        f"The import is done, but its plan could not be written to '{target}':"
        " No such file or directory."
    )
    assert ledger.find_import(connection, done.import_id).status == "done"


def test_the_screen_is_read_by_an_analyst(import_text: Import) -> None:
    """Counts in words, then some of each kind, without ids; all of it within 80 columns."""
    import_text(BOB)
    outcome = import_text(
        BOB.replace("Bonn", "Kiel" * 30).replace("01-01", "02-01")
        + "2,Ann Lee,415-555-2672,,,\n3,Cid Lee,415-555-2672,,,\n4,Rob,415-555-2671,,,\n"
        + "".join(f"{n},Twin {n},,twin{n}@example.com,,\n" for n in range(10, 30)),
        is_dry_run=True,
    )
    told = shown(*plan_report.plan_lines(outcome))
    assert max(map(len, told.splitlines())) <= 80
    assert "_0" not in told, "no ids"
    lines = [line.strip() for line in told.splitlines()]
    for line in (
        "list.csv (dry run): nothing was written.",
        "people who change                               1",
        "new people                                     22",
        "pairs of people who may be one, kept apart      1",
        "first names contradict                        1",
        "2  Bob Ray, found by known record",
        "3  Ann Lee, +14155552672",
        "4  Ann Lee and Cid Lee share the phone +14155552672: their first names",
    ):
        assert line in lines, told
    assert "Bonn -> KielKiel" in told
    assert told.count("Rob, +14155552671") == 1, "Rob is told as a record that meets Bob"
    assert told.count("@example.com") == 3, "five of a kind, Ann and Cid among them"


def test_a_dry_run_of_what_is_known_says_so(import_text: Import) -> None:
    """No empty tables."""
    import_text(BOB)
    outcome = import_text(BOB, is_dry_run=True)
    assert shown(*plan_report.plan_lines(outcome)).splitlines()[1:] == [
        "list.csv (dry run): nothing was written.",
        "Nothing would change either.",
    ]
    assert outcome.changes
    assert outcome.changes.counts == {"lead": {"unchanged": 1}}


def test_nothing_of_a_plan_reaches_the_terminal_as_a_command(import_text: Import) -> None:
    """Names and values may hold escapes and line breaks; they are written out, on one line."""
    outcome = import_text(
        'id,name,phone,email\n1,"Zed\u202e\n\x9b0;owned",415-555-2671,\n', is_dry_run=True
    )
    told = shown(*plan_report.plan_lines(outcome))
    assert not set(told) & set("\x1b\x9b\u202e")
    assert "Zed" in told


def test_show_tells_pairs_conflicts_and_missing_records(
    connection: psycopg.Connection, import_text: Import
) -> None:
    """What an import noted for people to look at, by guard."""
    names = ("Ann Lee", "Bob Lee", "Cid Lee")
    rows = "".join(f"{name},415-555-2671\n" for name in names)
    many = "".join(f"{name},415-555-2672\n" for name in ("Dan", "Eve", "Fay", "Gus", "Hal"))
    outcome = import_text("name,phone\n" + rows + many)
    entry = ledger.find_import(connection, outcome.import_id)
    held = candidates.count_held(connection, entry)
    assert held == {"name": 3, "shared_value": 1}
    assert plan_report.remarks(entry, held) == [
        "3 pairs of people may be one: first names contradict 3.",
        "1 value (a phone or email) of too many people identify nobody.",
    ]
    assert plan_report.remarks(entry, {}) == []
    made = make_entry(rows=0)
    changed = type(made)(**{**made.__dict__, "conflicts": {"row_version": 2}, "records_missing": 3})
    assert plan_report.remarks(changed, {}) == [
        "3 records missing from the snapshot ended.",
        "Others wrote meanwhile, so it was planned again: 2 x (row_version 2).",
    ]
