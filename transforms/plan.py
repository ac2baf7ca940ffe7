"""What an import would change, as data. A dry run prints it; apply executes it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import polars as pl

from contracts.issues import ISSUES
from contracts.people_tables import Table
from transforms.ids import derive_ids, time_part
from transforms.lone import add_lone, count_lone, hold_lone_claims
from transforms.planned_rows import PEOPLE_TABLES, Action, stream_rows
from transforms.relations import (
    CHUNK_ROWS,
    Work,
    ask,
    ask_value,
    execute,
    list_stretches,
    query,
    run,
    statement,
    stream,
)
from transforms.work_tables import empty

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
        assigned: Board -> how many new or changed leads the rules put on it.
        keyed: The part of ``effects`` that is about keyed tables, in ``keyed_<table>`` tables.
        records_digest: By what the file's records are known again, all at once
            (``transforms.dedupe.digest_records``); empty: not at all.
    """

    counts: Counts
    match: dict[str, int]
    effects: dict[str, dict[str, int]]
    work: Work
    records_missing: int = 0
    remark: str = ""
    assigned: dict[str, int] = field(default_factory=dict)
    keyed: dict[str, dict[str, int]] = field(default_factory=dict)
    records_digest: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether Postgres already holds what the file says."""
        return not self.effects

    def planned(self, table: Table, action: Action) -> int:
        """How many rows of a table that is for."""
        keyed = self.keyed.get(table.name, {}).get(action, 0)
        of_both = self.effects.get(table.name, {}).get(action, 0)
        return keyed if table.is_keyed else of_both - keyed

    def rows(
        self,
        table: Table,
        action: Action,
        chunk_rows: int = CHUNK_ROWS,
        *,
        with_lone: bool = True,
    ) -> Iterator[pl.DataFrame]:
        """The rows of a table to insert or to update, with the table's columns.

        Without those of lone records where these are written already.
        """
        count = self.planned(table, action)
        yield from stream_rows(self.work, table, action, count, chunk_rows, with_lone=with_lone)

    def claim_holders(self, chunk_rows: int = CHUNK_ROWS) -> Iterator[pl.DataFrame]:
        """People whose claims change, and who stay as they are otherwise: id, version, claims."""
        yield from stream(self.work, statement("list_claim_holders"), chunk_rows)

    def repeated(self, table: Literal["repeated", "repeated_rows"] = "repeated") -> bytes:
        """The digests of statements that are stored already: 8 bytes each, sorted."""
        digests = query(self.work, f"select distinct digest from {table} order by digest")  # noqa: S608
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


# All made anew by each try, and read by nothing that writes.
_STEPS = (
    *("all_claims", "fold_input", "fold_output", "stated", "folded", "value_nodes"),
    *("joint_values", "said_claims", "claimants", "holdings", "persona_leads", "field_ranks"),
    "golden",
)

_MATCH = """
select
    case action when 'skip' then 'DUPLICATE_SKIPPED' else match_type end as match_type,
    count(*) as record_count
from lead_changes where action <> 'reject' group by all
union all
select 'source_record', (select count(*) from records) - (select count(*) from changed_records)
"""


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
    hold_lone_claims(work)
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


def give_up_steps(work: Work) -> None:
    """Drop the largest of what only planning needed, once nobody is to read the plan itself.

    It is some three times what is written, and while that is sorted, memory is short: a file of 1M
    rows, a third of them known, ran out of 600 MB there. Another try makes it anew.
    """
    execute(work, ";".join(f"drop table if exists {name}" for name in _STEPS))


def make_undo_plan(work: Work) -> Plan:
    """The same after ``transforms.undo.restate``: what the undo of an import changes."""
    run(work, "plan_restated_leads")
    add_lone(work, "leads")
    run(work, "withdraw_opt_outs")
    _plan_people(work)
    return _count(work)


def _name_new_leads(work: Work) -> None:
    # A record whose import was undone is the lead that it was, with what was judged of it.
    execute(
        work,
        "create or replace table new_leads as"
        " select source_record_id,"
        " coalesce(stored_undone.lead_id, numbered_id('lead', id_part, record_no)) as lead_id"
        " from lead_changes join nodes using (source_record_id)"
        " left join stored_undone using (source_record_id) cross join facts"
        " where action = 'insert'",
    )


def _plan_people(work: Work) -> None:
    run(work, "plan_identities")
    add_lone(work, "identities")
    _list_held(work)
    run(work, "plan_personas")
    add_lone(work, "personas")
    run(work, "compare_fields")
    run(work, "plan_persona_versions")
    run(work, "plan_identity_versions")
    run(work, "plan_row_versions")


def _list_held(work: Work) -> None:
    # A list for each of all people at once would not fit into memory.
    empty(work, "held_lists")
    counted = "(select count(*) from met_identities) + (select count(*) from stored_identities)"
    parts = len(list_stretches(ask_value(work, f"select {counted}")))
    for part in range(parts):
        run(work, "list_held_claims", part=part, parts=parts)


def add_keyed(work: Work, plan: Plan, keyed: dict[str, dict[str, int]], entity: str = "") -> Plan:
    """The plan with what is planned of keyed tables (``transforms.keyed``).

    Args:
        work: In which all of it is planned.
        plan: That of people.
        keyed: Table -> action -> rows.
        entity: The keyed table that the rows of the file count by; empty: they count by people.
    """
    run(work, "plan_issues")
    counts = _count_rows(work, "count_keyed_rows", entity=entity) if entity else plan.counts
    effects = {name: dict(actions) for name, actions in plan.effects.items()}
    for name, actions in keyed.items():
        told = effects.setdefault(name, {})
        for action, rows in actions.items():
            told[action] = told.get(action, 0) + rows
    return replace(plan, counts=counts, effects=effects, keyed=keyed)


def _count_rows(work: Work, name: str, **parameters: str) -> Counts:
    return Counts(**query(work, statement(name), **parameters).row(0, named=True))


def _count(work: Work) -> Plan:
    run(work, "plan_issues")
    counts = _count_rows(work, "count_rows")
    match = {**dict.fromkeys(MATCH_TYPES, 0), "new": count_lone(work)}
    for match_type, records in ask(work, _MATCH):
        match[match_type] = match.get(match_type, 0) + records
    return Plan(counts, match, _count_effects(work), work)


def _count_effects(work: Work) -> dict[str, dict[str, int]]:
    counted = " union all ".join(
        f"select '{name}', action, count(*) from plan_{name} group by all"  # noqa: S608
        for name in PEOPLE_TABLES
    )
    effects: dict[str, dict[str, int]] = {}
    for name, action, rows in ask(work, f"from ({counted}) order by all"):
        effects.setdefault(name, {})[action] = rows
    return effects


def _keep(work: Work, name: str, frame: pl.DataFrame) -> None:
    work.register("made", frame)
    work.execute(f"create or replace table {name} as from made").fetchall()
    work.unregister("made")
