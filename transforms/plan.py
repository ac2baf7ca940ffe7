"""What an import would change, as data. A dry run prints it; apply executes it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import polars as pl

from contracts.issues import ISSUES
from transforms.ids import derive_ids, time_part
from transforms.relations import Work, query, run, statement, stream

Action = Literal["insert", "update"]
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
        work: The work file, whose ``plan_<table>`` tables hold the rows.
    """

    counts: Counts
    match: dict[str, int]
    effects: dict[str, dict[str, int]]
    work: Work

    @property
    def is_empty(self) -> bool:
        """Whether Postgres already holds what the file says."""
        return not self.effects

    def rows(self, table: str, action: Action, chunk_rows: int = 50_000) -> Iterator[pl.DataFrame]:
        """The rows of a table to insert or to update, with the table's columns."""
        yield from stream(self.work, _ROWS[table].format(action=action), chunk_rows)

    def issues(self, chunk_rows: int = 50_000) -> Iterator[pl.DataFrame]:
        """Rejected rows and damaged cells, each with its sentence."""
        sentences = {code: issue.sentence for code, issue in ISSUES.items()}
        usual = pl.col("code").replace_strict(sentences, default=None)
        for chunk in stream(
            self.work, "select * from plan_issues order by line_no, code, field", chunk_rows
        ):
            yield chunk.with_columns(message=pl.coalesce("message", usual))


# In the order of each table's key: its index grows at one end, and two imports can't deadlock.
_ROWS = {
    "leads": "select * exclude (action) from plan_leads where action = '{action}'"
    " order by source_record_id",
    "personas": "select * exclude (action) from plan_personas where action = '{action}'"
    " order by persona_id",
    "identities": "select * from plan_identities where '{action}' = 'insert'"
    " order by kind, value, persona_id",
}

_EFFECTS = """
select 'leads' as name, action, count(*) as row_count from plan_leads group by action
union all
select 'personas', action, count(*) from plan_personas group by action
union all
select 'identities', 'insert', count(*) from plan_identities having count(*) > 0
order by all
"""

_MATCH = """
select match_type, count(*) as record_count from assigned group by match_type
union all
select 'source_record', count(*) from records anti join changed_records using (source_record_id)
"""


def compare_leads(work: Work) -> None:
    """Tell which leads are new, which differ from what is stored, and which do not."""
    run(work, "compare_leads")


def make_plan(work: Work, import_id: str, source: str, source_file: str) -> Plan:
    """Write down what differs from what Postgres holds.

    Reads ``lead_changes``, ``golden``, ``stored_personas``, ``new_identities``, ``taken_claims``
    and ``issues``. Makes the ``plan_<table>`` tables.
    """
    new_leads = query(
        work,
        "select source_record_id, md5(concat_ws(chr(31), $import_id, $source_file,"
        " source_record_id)) as digest from lead_changes where action = 'insert'",
        import_id=import_id,
        source_file=source_file,
    )
    ids = derive_ids("lead", time_part(import_id), new_leads["digest"])
    work.register("named", new_leads.select("source_record_id", lead_id=ids))
    work.execute("create or replace table new_leads as select * from named").fetchall()
    work.unregister("named")
    run(work, "plan_leads", import_id=import_id, source=source, source_file=source_file)
    run(work, "plan_personas", import_id=import_id)
    run(work, "plan_identities")
    run(work, "plan_issues")
    counts = Counts(**query(work, statement("count_rows")).row(0, named=True))
    match = dict.fromkeys(MATCH_TYPES, 0)
    for match_type, records in query(work, _MATCH).iter_rows():
        match[match_type] += records
    effects: dict[str, dict[str, int]] = {}
    for name, action, rows in query(work, _EFFECTS).iter_rows():
        effects.setdefault(name, {})[action] = rows
    return Plan(counts, match, effects, work)
