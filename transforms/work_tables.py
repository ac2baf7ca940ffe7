"""The tables of one import's work database that are filled from outside DuckDB."""

from functools import cache

import polars as pl

from transforms.relations import Work, append, ask_value, execute, run
from transforms.shapes import (
    CONFORMED,
    DECISIONS,
    ERASED_CLAIMS,
    FACTS,
    FOLDED,
    ISSUES,
    KEYED_CHANGES,
    LANDED,
    LEAD_ACTIVITIES,
    LIST,
    MATCH_KEYS,
    OPT_OUTS,
    SAID_CELLS,
    SAID_ROWS,
    STAGED,
    STATEMENT_CELLS,
    STATEMENTS,
    STORED_CANDIDATES,
    STORED_CELLS,
    STORED_IDENTITIES,
    STORED_JUDGEMENTS,
    STORED_LEADS,
    STORED_PERSONAS,
    STORED_ROWS,
    STORED_STATEMENTS,
    STORED_VERSIONS,
    TIME,
    Schema,
)

_TYPES: tuple[tuple[pl.DataType | type[pl.DataType], str], ...] = (
    (pl.String, "varchar"),
    (LIST, "varchar[]"),
    (pl.Int64, "bigint"),
    (pl.Boolean, "boolean"),
    (pl.Float64, "double"),
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
    "said_rows": SAID_ROWS,
    "said_cells": SAID_CELLS,
    "issues": ISSUES,
    "reading_issues": ISSUES,
    "late_rejects": ISSUES,
    "late_issues": ISSUES,
    "stated_opt_outs": OPT_OUTS,
    "fold_output": FOLDED,
    "stored_fingerprints": {"source_record_id": pl.String, "fingerprint": pl.String},
    "stored_leads": STORED_LEADS,
    "stored_versions": STORED_VERSIONS,
    "stored_identities": STORED_IDENTITIES,
    "stored_shared": {"kind": pl.String, "value": pl.String, "people": pl.Int64},
    "stored_personas": STORED_PERSONAS,
    "held_lists": {"persona_id": pl.String, "claims": LIST, "shared_claims": LIST},
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
    # What makes the score of a person (transforms.scores).
    "score_rules": {"kind": pl.String, "name": pl.String, "points": pl.Float64},
    "score_now": {"now": TIME},
    # Which board each of the team's rules puts a lead on (transforms.boards).
    "board_rules": {"rule_no": pl.Int64, "board_name": pl.String},
    "team_boards": {"rule_no": pl.Int64, "board_id": pl.String, "board_name": pl.String},
    # The keyed table that is planned now, and what is planned of all of them (transforms.keyed).
    "row_facts": {
        "table_name": pl.String,
        "on_conflict": pl.String,
        "is_oldest": pl.Boolean,
        "is_entity": pl.Boolean,
    },
    "row_columns": {
        "column_name": pl.String,
        "kind": pl.String,
        "merge": pl.String,
        "key_place": pl.Int64,
        "is_required": pl.Boolean,
        "is_made": pl.Boolean,
        "is_computed": pl.Boolean,
        "refers_to": pl.String,
    },
    "word_ranks": {"column_name": pl.String, "value": pl.String, "rank": pl.Int64},
    "keep_rules": {"place": pl.Int64, "column_name": pl.String, "prefer": pl.String},
    "column_now": {"column_name": pl.String},
    "found_rows": {"value": pl.String, "row_id": pl.String},
    "same_line": {"line_no": pl.Int64, "row_id": pl.String},
    "stored_rows": STORED_ROWS,
    "stored_cells": STORED_CELLS,
    "stored_statements": STORED_STATEMENTS,
    "stored_statement_cells": STATEMENT_CELLS,
    "new_rows": {"row_key": pl.String, "row_id": pl.String},
    "keyed_changes": KEYED_CHANGES,
    "line_people": {
        "line_no": pl.Int64,
        **dict.fromkeys(("lead_id", "persona_id", "status", "match_type", "message"), pl.String),
    },
    "kept_rows": {
        "table_name": pl.String,
        "row_id": pl.String,
        "row_key": pl.String,
        "why": pl.String,
        "fields": pl.String,
    },
    # Which statements of this file stand in keyed tables already (flows.undo_repeats).
    "repeated_rows": {"digest": pl.Int64},
    # What an undo takes away and brings back, and who repeats what it takes back.
    "absent_references": {"column_name": pl.String, "value": pl.String},
    "moving_rows": {"table_name": pl.String, "row_id": pl.String, "is_coming": pl.Boolean},
    "row_repeats": {
        "statement_no": pl.Int64,
        "digest": pl.Int64,
        "import_id": pl.String,
        "seq": pl.Int64,
        "is_active": pl.Boolean,
    },
    "line_rows": {"table_name": pl.String, "line_no": pl.Int64, "row_id": pl.String},
    "keyed_values": {"table_name": pl.String, **STORED_CELLS},
    "keyed_before": {"table_name": pl.String, **STORED_CELLS},
    "keyed_row_statements": {
        "action": pl.String,
        "table_name": pl.String,
        "row_id": pl.String,
        "import_id": pl.String,
        "line_no": pl.Int64,
        "stated_at": pl.String,
        "cells": pl.String,
    },
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
    "sources": {
        "source": pl.String,
        "trust": pl.Int64,
        "claim_space": pl.String,
        "lead_source": pl.String,
    },
    "facts": FACTS,
    "match_keys": MATCH_KEYS,
    "rules": {"field": pl.String, "rule": pl.String},
}


def open_work(work: Work, sources: pl.DataFrame) -> None:
    """Make the tables of one import's work database.

    Args:
        work: An empty file, or that of an earlier try, which starts over.
        sources: ``source``, ``trust``, ``claim_space`` and ``lead_source`` of every source that we
            know.
    """
    run(work, "macros")
    execute(work, ";".join(map(_definition, _TABLES)))
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
    execute(work, _definition(name))


def note(work: Work, name: str, value: str) -> None:
    """Write down a fact about the batch that a later step asks for."""
    execute(work, "delete from notes where name = $name", name=name)
    added = "insert into notes (name, value) values ($name, $value)"
    execute(work, added, name=name, value=value)


def recall(work: Work, name: str) -> str:
    """A fact that was written down."""
    return str(ask_value(work, "select value from notes where name = $name", name=name))
