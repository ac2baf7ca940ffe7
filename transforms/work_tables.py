"""The tables of one import's work file that are filled from outside DuckDB."""

import polars as pl

from contracts.people import GOLDEN, STATED, TEXTS
from transforms.relations import Work, append, query, run

Schema = dict[str, pl.DataType | type[pl.DataType]]

_LIST = pl.List(pl.String)
_TIME = pl.Datetime("us", "UTC")
_TEXTS: Schema = dict.fromkeys(TEXTS, pl.String)

_TYPES: Schema = {
    "phones": _LIST,
    "emails": _LIST,
    "email_keys": _LIST,
    "tags": _LIST,
    "last_activity_at": _TIME,
    "is_deleted": pl.Boolean,
    "clock": _TIME,
}
_STATED: Schema = {name: _TYPES.get(name, pl.String) for name in STATED}

LANDED: Schema = {
    "line_no": pl.Int64,
    "byte_offset": pl.Int64,
    "byte_length": pl.Int64,
    "source_record_id": pl.String,
    "row_hash": pl.String,
    "crm_id": pl.String,
    "phones": _LIST,
    "emails": _LIST,
    **_TEXTS,
    "tags": _LIST,
    "last_activity_at": pl.String,
    "merged_into": pl.String,
    "updated_at": pl.String,
    "area_code": pl.String,
    "consents": _LIST,
    "deleted": _LIST,
    "extra": pl.String,
    "raw_text": pl.String,
}
"""What the file says, one row per record as it came (``transforms.conform``)."""

STAGED: Schema = {
    "line_no": pl.Int64,
    "source_record_id": pl.String,
    **_STATED,
    "merged_into": pl.String,
    "cleared": _LIST,
}
"""Accepted rows (``contracts.people.StagedPerson``), not yet deduplicated."""

OPT_OUTS: Schema = {
    "line_no": pl.Int64,
    "kind": pl.String,
    "value": pl.String,
    "channel": pl.String,
    "clock": _TIME,
}
"""Statements that somebody opted out (``transforms.consents.list_opt_outs``)."""

ISSUES: Schema = {
    "line_no": pl.Int64,
    "severity": pl.String,
    "code": pl.String,
    "field": pl.String,
    "message": pl.String,
    "raw": pl.Binary,
    "encoding": pl.String,
}
"""Rejected rows and damaged cells."""

STORED_LEADS: Schema = {
    "lead_id": pl.String,
    "persona_id": pl.String,
    "version": pl.Int64,
    "is_in_batch": pl.Boolean,
    "source": pl.String,
    "source_file": pl.String,
    "source_record_id": pl.String,
    "import_id": pl.String,
    "fingerprint": pl.String,
    "has_versions": pl.Boolean,
    "is_missing": pl.Boolean,
    "claims": _LIST,
    "field_clocks": pl.String,
    "edited_fields": pl.String,
    "line_no": pl.Int64,
    **_STATED,
}
"""Leads that Postgres holds: of this batch's records, and of its personas."""

STORED_VERSIONS: Schema = {
    "source_record_id": pl.String,
    "seq": pl.Int64,
    "fingerprint": pl.String,
    "claims": _LIST,
    "field_clocks": pl.String,
    **_STATED,
}
"""The single statements of stored leads, where they have to be folded anew."""

STORED_CANDIDATES: Schema = {
    "left_id": pl.String,
    "right_id": pl.String,
    "version": pl.Int64,
    "guard": pl.String,
    "kind": pl.String,
    "value": pl.String,
    "evidence": pl.String,
    "is_judged": pl.Boolean,
    "people": pl.Int64,
    "examples": _LIST,
}
"""Pairs of the batch's personas, and shared values, that were told before."""

STORED_JUDGEMENTS: Schema = {
    "left_id": pl.String,
    "right_id": pl.String,
    "side": pl.String,
    "lead_id": pl.String,
}
"""Who was judged not to be one: the leads on either side, ``left`` and ``right``, of a pair."""

FACTS: Schema = {
    "import_id": pl.String,
    "source": pl.String,
    "source_file": pl.String,
    "claim_space": pl.String,
    "is_webhook": pl.Boolean,
    "shared_after": pl.Int64,
    "is_vetoed": pl.Boolean,
    "on_duplicate": pl.String,
    "on_missing": pl.String,
}
"""One row: the import, and what the policy says of all its records."""

MATCH_KEYS: Schema = {
    "kind": pl.String,
    "priority": pl.Int64,
    "name": pl.String,
    "is_guarded": pl.Boolean,
    "is_exclusive": pl.Boolean,
}
"""Every kind of claim; ``priority`` is null where the policy does not match by it."""

STORED_IDENTITIES: Schema = {
    "kind": pl.String,
    "value": pl.String,
    "persona_id": pl.String,
    "is_exclusive": pl.Boolean,
    "holders": pl.Int64,
}
"""Claims that Postgres holds: of this batch, and of its personas.

``holders`` tells of a claim that is not exclusive how many people hold it, up to a few."""

STORED_PERSONAS: Schema = {
    "persona_id": pl.String,
    "version": pl.Int64,
    "import_id": pl.String,
    **{name: _TYPES.get(name, pl.String) for name in GOLDEN},
    "is_phone_exclusive": pl.Boolean,
    "is_ended": pl.Boolean,
    "merged_into": pl.String,
    "edited_fields": pl.String,
}
"""Personas of this batch that Postgres holds; ``version`` is the row's ``xmin``."""

_PAIR: Schema = {"left_no": pl.Int64, "right_no": pl.Int64}

_TABLES: dict[str, Schema] = {
    "landed": LANDED,
    "staged": STAGED,
    "issues": ISSUES,
    "reading_issues": ISSUES,
    "late_rejects": ISSUES,
    "stated_opt_outs": OPT_OUTS,
    "stored_fingerprints": {"source_record_id": pl.String, "fingerprint": pl.String},
    "stored_leads": STORED_LEADS,
    "stored_versions": STORED_VERSIONS,
    "stored_identities": STORED_IDENTITIES,
    "stored_shared": {"kind": pl.String, "value": pl.String, "people": pl.Int64},
    "stored_personas": STORED_PERSONAS,
    "stored_candidates": STORED_CANDIDATES,
    "stored_judgements": STORED_JUDGEMENTS,
    "stored_opt_outs": {"kind": pl.String, "value": pl.String, "channel": pl.String},
    "missing_leads": {"lead_id": pl.String},
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
    "held": {**_PAIR, "value_no": pl.Int64, "guard": pl.String},
    # What is said beside the data.
    "notes": {"name": pl.String, "value": pl.String},
    "sources": {"source": pl.String, "trust": pl.Int64, "claim_space": pl.String},
    "facts": FACTS,
    "match_keys": MATCH_KEYS,
    "rules": {"field": pl.String, "rule": pl.String},
}


def open_work(work: Work, sources: pl.DataFrame) -> None:
    """Make the tables of one import's work file.

    Args:
        work: An empty file, or that of an earlier try, which starts over.
        sources: ``source``, ``trust`` and ``claim_space`` of every source that we know.
    """
    run(work, "macros")
    for name in _TABLES:
        empty(work, name)
    append(work, "sources", sources)


def empty(work: Work, name: str) -> None:
    """Make one of the tables, or make it anew."""
    work.register("shape", pl.DataFrame(schema=_TABLES[name]))
    work.execute(f'create or replace table "{name}" as from shape').fetchall()
    work.unregister("shape")


def note(work: Work, name: str, value: str) -> None:
    """Write down a fact about the batch that a later step asks for."""
    work.execute("delete from notes where name = $name", {"name": name}).fetchall()
    append(work, "notes", pl.DataFrame({"name": [name], "value": [value]}))


def recall(work: Work, name: str) -> str:
    """A fact that was written down."""
    found: str = query(work, "select value from notes where name = $name", name=name).item()
    return found
