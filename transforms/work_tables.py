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
    "opt_outs": _LIST,
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
    "updated_at": pl.String,
    "area_code": pl.String,
    "consents": _LIST,
    "extra": pl.String,
    "raw_text": pl.String,
}
"""What the file says, one row per record as it came (``transforms.conform``)."""

STAGED: Schema = {"line_no": pl.Int64, "source_record_id": pl.String, **_STATED}
"""Accepted rows (``contracts.people.StagedPerson``), not yet deduplicated."""

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
    **_STATED,
}
"""Leads that Postgres holds: of this batch's records, and of its personas."""

STORED_IDENTITIES: Schema = {
    "kind": pl.String,
    "value": pl.String,
    "persona_id": pl.String,
    "is_exclusive": pl.Boolean,
}
"""Claims that Postgres holds: of this batch, and of its personas."""

STORED_PERSONAS: Schema = {
    "persona_id": pl.String,
    "version": pl.Int64,
    **dict.fromkeys(GOLDEN, pl.String),
}
"""Personas of this batch that Postgres holds; ``version`` is the row's ``xmin``."""

_TABLES: dict[str, Schema] = {
    "landed": LANDED,
    "staged": STAGED,
    "issues": ISSUES,
    "reading_issues": ISSUES,
    "stored_fingerprints": {"source_record_id": pl.String, "fingerprint": pl.String},
    "stored_leads": STORED_LEADS,
    "stored_identities": STORED_IDENTITIES,
    "stored_personas": STORED_PERSONAS,
    "clusters": {"record_no": pl.Int64, "cluster_no": pl.Int64},
    "notes": {"name": pl.String, "value": pl.String},
    "sources": {"source": pl.String, "trust": pl.Int64, "claim_space": pl.String},
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
