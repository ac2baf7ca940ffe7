"""What an import would change, as data. A dry run prints it; apply executes it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import polars as pl

from contracts.issues import ISSUES
from transforms.ids import derive_ids, time_part
from transforms.lone import add_lone, count_lone, plan_lone
from transforms.relations import (
    CHUNK_ROWS,
    Work,
    ask,
    query,
    run,
    statement,
    stream,
    stream_by_line,
    stream_sorted,
)

Action = Literal["insert", "update", "delete"]
MATCH_TYPES = ("source_record", "crm_id", "phone", "email", "new")


class Counts(NamedTuple):
    """What became of the rows of a file; ``landed`` is the sum of the others (promise 1)."""

    landed: int = 0
    rejected: int = 0
    duplicate: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0


NO_ROWS = Counts()


@dataclass(frozen=True)
class Plan:
    """Everything that one import would do.

    Attributes:
        counts: What becomes of the rows.
        match: Records by the way they found their person (``MATCH_TYPES``).
        effects: Table -> action -> rows, for tables that change.
        records_missing: Records that a snapshot feed no longer has; they are no rows of the file.
        remark: What else people should know of it.
        work: The work database, whose ``plan_<table>`` tables hold the rows.
    """

    counts: Counts
    match: dict[str, int]
    effects: dict[str, dict[str, int]]
    work: Work
    records_missing: int = 0
    remark: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether Postgres already holds what the file says."""
        return not self.effects

    def rows(
        self, table: str, action: Action, chunk_rows: int = CHUNK_ROWS
    ) -> Iterator[pl.DataFrame]:
        """The rows of a table to insert or to update, with the table's columns."""
        has_texts = table in _WITH_TEXTS and action == "insert"
        lone = count_lone(self.work) if has_texts else 0
        name = f"{'met' if has_texts else 'plan'}_{table}"
        select = f"select * exclude (action) from {name} where action = '{action}'"  # noqa: S608
        yield from stream_sorted(
            self.work,
            select,
            _ROWS[table],
            chunk_rows,
            count=self.effects.get(table, {}).get(action, 0) - lone,
            stretch_rows=_TEXT_ROWS if table in _WIDE else 0,
        )
        if lone:
            select = f"select * exclude (action) from lone_{table} where true"  # noqa: S608
            yield from stream_by_line(self.work, select, "lone_records", chunk_rows)

    def claim_holders(self, chunk_rows: int = CHUNK_ROWS) -> Iterator[pl.DataFrame]:
        """People whose claims change, and who stay as they are otherwise: id and version."""
        yield from stream(self.work, statement("list_claim_holders"), chunk_rows)

    def repeated(self) -> bytes:
        """The digests of statements that are stored already: 8 bytes each, sorted."""
        digests = query(self.work, "select distinct digest from repeated order by digest")
        return digests["digest"].to_numpy().tobytes()

    def corrected_lines(self) -> list[int]:
        """Lines of the corrected import whose rows are loaded now, none of them in vain."""
        return query(self.work, statement("list_corrected"))["corrects_line"].to_list()

    def issues(self, chunk_rows: int = CHUNK_ROWS) -> Iterator[pl.DataFrame]:
        """Rejected rows and damaged cells, each with its sentence."""
        sentences = {code: issue.sentence for code, issue in ISSUES.items()}
        usual = pl.col("code").replace_strict(sentences, default=None)
        for chunk in stream(
            self.work, "select * from plan_issues order by line_no, code, field", chunk_rows
        ):
            yield chunk.with_columns(message=pl.coalesce("message", usual))


# In the order of each table's key: its index grows at one end, and two imports can't deadlock.
_ROWS = {
    "leads": ("lead_id",),
    "personas": ("persona_id",),
    "identities": ("kind", "value", "persona_id"),
    "lead_versions": ("lead_id", "import_id"),
    "persona_versions": ("persona_id",),
    "merge_candidates": ("left_id", "right_id"),
    "opt_outs": ("kind", "value", "channel"),
    "lead_activities": ("activity_id",),
    "undone_leads": ("lead_id",),
    "lead_moves": ("lead_id",),
    "identity_versions": ("kind", "value", "persona_id"),
    "row_versions": ("table_name", "row_key"),
}

_MATCH = """
select
    case action when 'skip' then 'DUPLICATE_SKIPPED' else match_type end as match_type,
    count(*) as record_count
from lead_changes where action <> 'reject' group by all
union all
select 'source_record', (select count(*) from records) - (select count(*) from changed_records)
"""


# Too much to be sorted as a whole; ids of lone records go on after those of the others.
_WITH_TEXTS = ("leads", "personas")
# Rows of many columns: fewer of them are sorted at a time.
_WIDE = (*_WITH_TEXTS, "lead_versions")
_TEXT_ROWS = 200_000


def compare_leads(work: Work) -> None:
    """Tell which leads are new, which differ from what is stored, and which do not.

    Reads ``folded``, ``assigned`` and what Postgres holds. Makes ``lead_changes`` and
    ``moved_leads``.
    """
    run(work, "accumulate_claims")
    run(work, "compare_leads")
    run(work, "find_moved")


def find_repeated(work: Work) -> None:
    """Tell which statements of the file are stored already, so that they are its own, too.

    Reads ``lead_changes``, ``stated`` and what Postgres holds, with ``stored_versions`` of the
    leads that stay as they are. Makes ``repeated`` and ``kept_statements``.
    """
    run(work, "find_repeated")


def list_unknown(work: Work) -> pl.DataFrame:
    """The landed rows (``line_no`` and where they stand) of people who are not known and not to be.

    The policy's ``on_missing`` says so.
    """
    return query(
        work,
        "select landed.* from landed semi join staged using (line_no)"
        " semi join (select source_record_id from lead_changes where action = 'reject') as unknown"
        " using (source_record_id) order by line_no",
    )


def make_plan(work: Work, import_id: str) -> Plan:
    """Write down what differs from what Postgres holds.

    Reads what the steps before have made. Makes the ``plan_<table>`` tables, and
    ``lead_field_changes`` and ``persona_field_changes`` for people to read.
    """
    _name_new_leads(work)
    plan_lone(work)
    run(work, "plan_leads")
    add_lone(work, "leads")
    run(work, "plan_lead_versions")
    run(work, "plan_undone_leads")
    run(work, "plan_lead_moves")
    run(work, "plan_opt_outs")
    _plan_people(work)
    run(work, "plan_lead_activities")
    activities = query(work, "from new_activities")
    ids = derive_ids("activity", time_part(import_id), activities["digest"])
    told = activities.drop("digest").with_columns(activity_id=ids, action=pl.lit("insert"))
    _keep(work, "plan_lead_activities", told)
    return _count(work)


def make_undo_plan(work: Work) -> Plan:
    """The same after ``transforms.undo.restate``: what the undo of an import changes."""
    run(work, "plan_restated_leads")
    add_lone(work, "leads")
    run(work, "withdraw_opt_outs")
    _plan_people(work)
    return _count(work)


def _name_new_leads(work: Work) -> None:
    # A record whose import was undone is the lead that it was, with what was judged of it.
    work.execute(
        "create or replace table new_leads as"
        " select source_record_id,"
        " coalesce(stored_undone.lead_id, numbered_id('lead', id_part, record_no)) as lead_id"
        " from lead_changes join nodes using (source_record_id)"
        " left join stored_undone using (source_record_id) cross join facts"
        " where action = 'insert'"
    ).fetchall()


def _plan_people(work: Work) -> None:
    run(work, "plan_personas")
    add_lone(work, "personas")
    run(work, "compare_fields")
    run(work, "plan_persona_versions")
    run(work, "plan_identities")
    add_lone(work, "identities")
    run(work, "plan_identity_versions")
    run(work, "plan_row_versions")


def _count(work: Work) -> Plan:
    run(work, "plan_issues")
    counts = Counts(**query(work, statement("count_rows")).row(0, named=True))
    match = {**dict.fromkeys(MATCH_TYPES, 0), "new": count_lone(work)}
    for match_type, records in ask(work, _MATCH):
        match[match_type] = match.get(match_type, 0) + records
    return Plan(counts, match, _count_effects(work), work)


def _count_effects(work: Work) -> dict[str, dict[str, int]]:
    counted = " union all ".join(
        f"select '{name}', action, count(*) from plan_{name} group by all"  # noqa: S608
        for name in _ROWS
    )
    effects: dict[str, dict[str, int]] = {}
    for name, action, rows in ask(work, f"from ({counted}) order by all"):
        effects.setdefault(name, {})[action] = rows
    return effects


def _keep(work: Work, name: str, frame: pl.DataFrame) -> None:
    work.register("made", frame)
    work.execute(f"create or replace table {name} as from made").fetchall()
    work.unregister("made")
