"""A plan as one flat table of changes, for people to read: what, to whom, why."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import polars as pl

from contracts.guards import GUARDS, REASONS
from contracts.issues import ISSUES
from transforms.lone import tell_lone
from transforms.relations import Work, ask, ask_value, query, run, statement, stream

SAMPLED_CHANGES = 5
SAMPLED_FIELDS = 8


class Change(NamedTuple):
    """One row of ``plan_changes``.

    Attributes:
        change_no: The rows of one number are one change: one for each field of it.
        what: persona, lead, candidate (a pair of people who may be one), claim, opt_out, a keyed
            table, or reject.
        action: insert, update, delete (it ends), merge, hold, skip, unchanged or reject.
        id: The lead or persona; of new ones the id that they will have, if they are imported now.
        other_id: Of a lead its person; of a pair, a merge or a claim the other person.
        name: The person's name, as it will be; of a row of a keyed table its key.
        line_no: First line of the record in the file; of a person that of the first record.
        source_record_id: The record; of a person's field the one that won.
        found_by: How the record found its person: source_record, crm_id, phone, email or new.
        field: What changes, where the change is of fields.
        before: Its value so far.
        after: Its value from then on; of what is new, by what people know it again.
        rule: The rule of survivorship that decided; of what is held the guard, of an opt-out the
            channel, of a reject its code.
        source: The source that won.
        source_file: The logical file that won.
        why: A plain sentence, where the change needs one.
    """

    change_no: int
    what: str
    action: str
    id: str | None
    other_id: str | None
    name: str | None
    line_no: int | None
    source_record_id: str | None
    found_by: str | None
    field: str | None
    before: str | None
    after: str | None
    rule: str | None
    source: str | None
    source_file: str | None
    why: str | None


SCHEMA: dict[str, type[pl.DataType]] = {
    name: pl.Int64 if name in ("change_no", "line_no") else pl.String for name in Change._fields
}
"""The columns of ``plan_changes``, in order."""


class FieldCount(NamedTuple):
    """In how many people, who were there before, one field changes."""

    field: str
    filled: int
    replaced: int
    emptied: int


class Sample(NamedTuple):
    """Some rows of one change.

    Attributes:
        changes: The rows, one for each field.
        field_count: How many it has.
    """

    changes: tuple[Change, ...]
    field_count: int

    @property
    def first(self) -> Change:
        """What is the same in all of them."""
        return self.changes[0]


class Reason(NamedTuple):
    """Why rows are not loaded.

    Attributes:
        code: Of ``contracts.issues``.
        rows: How many rows have it.
        line_no: The line of the first of them.
        raw: That row as it came, if it is kept.
        encoding: How it is written.
    """

    code: str
    rows: int
    line_no: int
    raw: bytes | None
    encoding: str | None

    @property
    def example(self) -> str:
        """The first row as text; bytes that are no text are shown as ``\\x..``."""
        return (self.raw or b"").decode(self.encoding or "utf-8", "backslashreplace").strip()


@dataclass(frozen=True)
class Changes:
    """A plan in short.

    Attributes:
        rows: How many ``plan_changes`` has.
        counts: What -> action -> how many leads, people, pairs and so on.
        held: Guard -> how many links and values it holds back.
        fields: The fields of people who were there before, in the order of their names.
        samples: The first changes of each kind.
        rejects: The ten most frequent reasons for which rows are not loaded.
    """

    rows: int = 0
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    fields: tuple[FieldCount, ...] = ()
    samples: tuple[Sample, ...] = ()
    rejects: tuple[Reason, ...] = ()


_COUNTS = """
select what, action, case when action = 'hold' then rule end as guard,
    count(distinct change_no) as changes, count(*) as lines
from plan_changes group by all order by all
"""
_FIELDS = """
select field,
    count(*) filter (before is null) as filled,
    count(*) filter (before is not null and after is not null) as replaced,
    count(*) filter (after is null) as emptied
from plan_changes where what = 'persona' and action = 'update' group by field order by field
"""
_REJECTS = """
select code, count(distinct line_no) as rows, min(line_no) as first_line,
    arg_min(raw, line_no) as raw, arg_min(encoding, line_no) as encoding
from plan_issues where severity = 'reject' group by code order by rows desc, code limit 10
"""


def has_plan(work: Work) -> bool:
    """Whether a plan was made in this work database."""
    made = "select count(*) from duckdb_tables() where table_name = 'met_personas'"
    return bool(ask_value(work, made))


def list_changes(work: Work) -> Changes:
    """Write a plan down as one table, and sum it up.

    Reads what ``transforms.plan.make_plan`` has made, and what it was made from. Makes
    ``plan_changes``, whose columns are those of ``Change``.
    """
    tell_lone(work)
    run(work, "change_macros")
    _keep_sentences(work)
    run(work, "name_people")
    run(work, "list_lead_changes")
    run(work, "list_persona_changes")
    run(work, "list_held")
    run(work, "list_row_changes")
    run(work, "plan_changes")
    counts: dict[str, dict[str, int]] = {}
    held: dict[str, int] = {}
    rows = 0
    for what, action, guard, changes, lines in ask(work, _COUNTS):
        of_what = counts.setdefault(what, {})
        of_what[action] = of_what.get(action, 0) + changes
        if guard:
            held[guard] = changes
        rows += lines
    fields = tuple(FieldCount(*row) for row in ask(work, _FIELDS))
    rejects = tuple(Reason(*row) for row in ask(work, _REJECTS))
    return Changes(rows, counts, held, fields, tuple(_sample(work)), rejects)


def stream_changes(work: Work, chunk_rows: int = 50_000) -> Iterator[pl.DataFrame]:
    """The rows of ``plan_changes`` in their order, in chunks."""
    ordered = "select * from plan_changes order by change_no, field nulls first"
    for chunk in stream(work, ordered, chunk_rows):
        yield chunk.select(Change._fields).cast(SCHEMA)  # type: ignore[arg-type]


def _sample(work: Work) -> Iterator[Sample]:
    found = query(work, statement("sample_changes"), changes=SAMPLED_CHANGES, fields=SAMPLED_FIELDS)
    for group in found.partition_by("change_no", maintain_order=True):
        changes = tuple(Change(*row) for row in group.select(Change._fields).iter_rows())
        yield Sample(changes, group["field_count"][0])


def _keep_sentences(work: Work) -> None:
    said = {
        **REASONS,
        **{f"guard:{guard}": sentence for guard, sentence in GUARDS.items()},
        **{f"issue:{code}": issue.sentence for code, issue in ISSUES.items()},
    }
    frame = pl.DataFrame(list(said.items()), ["code", "sentence"], orient="row")
    work.register("said", frame)
    work.execute("create or replace table plan_sentences as from said").fetchall()
    work.unregister("said")
