"""The tables of one import's work database that are filled from outside DuckDB."""

from functools import cache

import polars as pl

from transforms.relations import Work, append, run
from transforms.shapes import (
    CONFORMED,
    DECISIONS,
    ERASED_CLAIMS,
    FACTS,
    FOLDED,
    ISSUES,
    LANDED,
    LEAD_ACTIVITIES,
    LIST,
    MATCH_KEYS,
    OPT_OUTS,
    STAGED,
    STATEMENTS,
    STORED_CANDIDATES,
    STORED_IDENTITIES,
    STORED_JUDGEMENTS,
    STORED_LEADS,
    STORED_PERSONAS,
    STORED_VERSIONS,
    TIME,
    Schema,
)

_TYPES: tuple[tuple[pl.DataType | type[pl.DataType], str], ...] = (
    (pl.String, "varchar"),
    (LIST, "varchar[]"),
    (pl.Int64, "bigint"),
    (pl.Boolean, "boolean"),
    (TIME, "timestamp with time zone"),
    (pl.Binary, "blob"),
)

_PAIR: Schema = {"left_no": pl.Int64, "right_no": pl.Int64}

_TABLES: dict[str, Schema] = {
    "landed": LANDED,
    # Of the rows that are not judged as they are read.
    "conformed": CONFORMED,
    "judged_lines": {"line_no": pl.Int64},
    "staged": STAGED,
    "issues": ISSUES,
    "reading_issues": ISSUES,
    "late_rejects": ISSUES,
    "stated_opt_outs": OPT_OUTS,
    "fold_output": FOLDED,
    "stored_fingerprints": {"source_record_id": pl.String, "fingerprint": pl.String},
    "stored_leads": STORED_LEADS,
    "stored_versions": STORED_VERSIONS,
    "stored_identities": STORED_IDENTITIES,
    "stored_shared": {"kind": pl.String, "value": pl.String, "people": pl.Int64},
    "stored_personas": STORED_PERSONAS,
    "stored_candidates": STORED_CANDIDATES,
    "stored_judgements": STORED_JUDGEMENTS,
    "decisions": DECISIONS,
    "stored_opt_outs": {"kind": pl.String, "value": pl.String, "channel": pl.String},
    "stored_undone": {"source_record_id": pl.String, "lead_id": pl.String},
    "missing_leads": {"lead_id": pl.String},
    "still_missing": {"source_record_id": pl.String},
    # What an undo takes back, beside the leads and people themselves.
    "statements": STATEMENTS,
    "undoable_leads": {
        "lead_id": pl.String,
        "source": pl.String,
        "source_file": pl.String,
        "source_record_id": pl.String,
        "persona_id": pl.String,
        "is_undone": pl.Boolean,
    },
    "repeats": {
        "lead_id": pl.String,
        "of_import_id": pl.String,
        "import_id": pl.String,
        "seq": pl.Int64,
        "is_active": pl.Boolean,
    },
    "wanted_moves": {"lead_id": pl.String, "persona_id": pl.String},
    "stuck_moves": {"lead_id": pl.String, "persona_id": pl.String},
    "parts": {"lead_id": pl.String, "persona_id": pl.String},
    "affected_claims": {"kind": pl.String, "value": pl.String},
    "identity_log": {
        "kind": pl.String,
        "value": pl.String,
        "persona_id": pl.String,
        "was_exclusive": pl.Boolean,
        "is_exclusive": pl.Boolean,
    },
    "edit_log": {"persona_id": pl.String, "before": pl.String},
    "merge_log": {"persona_id": pl.String, "before_id": pl.String, "after_id": pl.String},
    "row_log": {"table_name": pl.String, "before": pl.String, "is_last": pl.Boolean},
    "own_judgements": {"left_id": pl.String, "right_id": pl.String},
    "own_activities": LEAD_ACTIVITIES,
    "own_opt_outs": {
        "kind": pl.String,
        "value": pl.String,
        "channel": pl.String,
        "source_file": pl.String,
        "has_later": pl.Boolean,
    },
    "edited_emails": {"persona_id": pl.String, "value": pl.String},
    "taken_claims": {"record_no": pl.Int64, "kind": pl.String, "value": pl.String},
    "disconnected": {"persona_id": pl.String, "leads": pl.String},
    # People whom an undo leaves without a lead, but for what was edited by hand; and whom it takes
    # out of others again.
    "former_leads": STORED_LEADS,
    "undone_changes": {"lead_id": pl.String},
    "bared": {"persona_id": pl.String},
    "unmerged": {"persona_id": pl.String},
    "removed_personas": {"persona_id": pl.String},
    "erased_claims": ERASED_CLAIMS,
    "silenced_lines": {"line_no": pl.Int64},
    "erased_lines": {"line_no": pl.Int64},
    # Of a correction: which row of which import each of its rows is to mend.
    "corrected_lines": {
        "line_no": pl.Int64,
        "corrects_import": pl.String,
        "corrects_line": pl.Int64,
    },
    # What resolving finds out in Python.
    "names": {
        "name_no": pl.Int64,
        "first_key": pl.String,
        "last_key": pl.String,
        "suffix_key": pl.String,
    },
    "node_names": {"node_no": pl.Int64, "name_no": pl.Int64},
    "name_pairs": _PAIR,
    "labels": {"node_no": pl.Int64, "cluster_no": pl.Int64},
    "new_leads": {"source_record_id": pl.String, "lead_id": pl.String},
    # Nobody, where no file says who is meant.
    "lone_records": {
        "record_no": pl.Int64,
        "source_record_id": pl.String,
        "line_no": pl.Int64,
        "fingerprint": pl.String,
        "lone_no": pl.Int64,
    },
    "claims": {
        "record_no": pl.Int64,
        "kind": pl.String,
        "value": pl.String,
        "priority": pl.Int64,
    },
    "lone_identities": {
        "action": pl.String,
        "kind": pl.String,
        "value": pl.String,
        "persona_id": pl.String,
        "is_exclusive": pl.Boolean,
    },
    "all_claims": {"record_no": pl.Int64, "kind": pl.String, "value": pl.String},
    "held": {**_PAIR, "value_no": pl.Int64, "guard": pl.String},
    "import_files": {"import_id": pl.String, "file_name": pl.String, "imported_at": TIME},
    # What is said beside the data.
    "notes": {"name": pl.String, "value": pl.String},
    "sources": {"source": pl.String, "trust": pl.Int64, "claim_space": pl.String},
    "facts": FACTS,
    "match_keys": MATCH_KEYS,
    "rules": {"field": pl.String, "rule": pl.String},
}


def open_work(work: Work, sources: pl.DataFrame) -> None:
    """Make the tables of one import's work database.

    Args:
        work: An empty file, or that of an earlier try, which starts over.
        sources: ``source``, ``trust`` and ``claim_space`` of every source that we know.
    """
    run(work, "macros")
    work.execute(";".join(map(_definition, _TABLES))).fetchall()
    append(work, "sources", sources)


@cache
def _definition(name: str) -> str:
    """The statement that makes one of the tables: of a few rows, making them is a tenth of all."""
    columns = ", ".join(
        f'"{column}" {next(type_ for known, type_ in _TYPES if known == dtype)}'
        for column, dtype in _TABLES[name].items()
    )
    return f'create or replace table "{name}" ({columns})'


def schema_of(name: str) -> Schema:
    """The columns of one of the tables."""
    return _TABLES[name]


def empty(work: Work, name: str) -> None:
    """Make one of the tables, or make it anew."""
    work.execute(_definition(name)).fetchall()


def note(work: Work, name: str, value: str) -> None:
    """Write down a fact about the batch that a later step asks for."""
    said = {"name": name, "value": value}
    work.execute("delete from notes where name = $name", {"name": name}).fetchall()
    work.execute("insert into notes by name select $name as name, $value as value", said).fetchall()


def recall(work: Work, name: str) -> str:
    """A fact that was written down."""
    asked = "select value from notes where name = $name"
    ((found,),) = work.execute(asked, {"name": name}).fetchall()
    return str(found)
