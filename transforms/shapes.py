"""Columns and types of the frames that pass between Postgres, Polars and the work database."""

import polars as pl

from contracts.people import GOLDEN, PLACED, STATED, TEXTS

Schema = dict[str, pl.DataType | type[pl.DataType]]

LIST = pl.List(pl.String)
TIME = pl.Datetime("us", "UTC")
_TEXTS: Schema = dict.fromkeys(TEXTS, pl.String)

_TYPES: Schema = {
    "phones": LIST,
    "emails": LIST,
    "email_keys": LIST,
    "tags": LIST,
    "last_activity_at": TIME,
    "is_deleted": pl.Boolean,
    "clock": TIME,
}
_STATED: Schema = {name: _TYPES.get(name, pl.String) for name in STATED}

_PLACED: Schema = {
    "line_no": pl.Int64,
    "byte_offset": pl.Int64,
    "byte_length": pl.Int64,
    "source_record_id": pl.String,
}

LANDED: Schema = {**_PLACED, "row_hash": pl.String, "raw_text": pl.String}
"""The rows of a file: where they stand, and by what they are known again."""

CONFORMED: Schema = {
    **_PLACED,
    "crm_id": pl.String,
    "phones": LIST,
    "emails": LIST,
    **_TEXTS,
    "tags": LIST,
    "last_activity_at": pl.String,
    "merged_into": pl.String,
    "updated_at": pl.String,
    "area_code": pl.String,
    "consents": LIST,
    "deleted": LIST,
    "extra": pl.String,
    "said": pl.String,
    "raw_text": pl.String,
}
"""What rows say, as it came (``transforms.conform``)."""

STAGED: Schema = {
    "line_no": pl.Int64,
    "source_record_id": pl.String,
    **_STATED,
    "merged_into": pl.String,
    "cleared": LIST,
}
"""Accepted rows (``contracts.people.StagedPerson``), not yet deduplicated."""

FOLDED: Schema = {"source_record_id": pl.String, **_STATED, "field_clocks": pl.String}
"""What several statements of a record come to (``fold_fields.sql``)."""

SAID_ROWS: Schema = {"table_name": pl.String, "line_no": pl.Int64, "stated_at": pl.String}
"""Which lines say something of which keyed table, and when that was stated."""

SAID_CELLS: Schema = {
    "table_name": pl.String,
    "line_no": pl.Int64,
    "column_name": pl.String,
    "value": pl.String,
}
"""What they say, as comparable text; what is blank is not there."""

STORED_ROWS: Schema = {
    "row_key": pl.String,
    "row_id": pl.String,
    "version": pl.Int64,
    "is_own": pl.Boolean,
    "has_statements": pl.Boolean,
    "edited_fields": pl.String,
    "import_id": pl.String,
    "stated_at": pl.String,
}
"""Rows of one keyed table that have a key of the batch; ``is_own``: they are this team's."""

STORED_CELLS: Schema = {"row_key": pl.String, "column_name": pl.String, "value": pl.String}
"""What they hold, as comparable text."""

STORED_STATEMENTS: Schema = {
    "row_key": pl.String,
    "statement_no": pl.Int64,
    "seq": pl.Int64,
    "import_id": pl.String,
    "line_no": pl.Int64,
    "stated_at": pl.String,
    "row_id": pl.String,
    "is_stored": pl.Boolean,
    "is_active": pl.Boolean,
}
"""What imports said of them; of a row that was stated once it is the row itself.

``row_id``: of which row it was said. ``is_stored``: it stands in ``row_statements``.
``is_active``: it counts.
"""

STATEMENT_CELLS: Schema = {
    "statement_no": pl.Int64,
    "column_name": pl.String,
    "value": pl.String,
}
"""What each of these statements says."""

KEYED_CHANGES: Schema = {
    "table_name": pl.String,
    "row_key": pl.String,
    "row_id": pl.String,
    "version": pl.Int64,
    "action": pl.String,
    "stated_at": pl.String,
    "line_no": pl.Int64,
    "line_count": pl.Int64,
}
"""What becomes of the rows of keyed tables (``compare_rows.sql``)."""

OPT_OUTS: Schema = {
    "line_no": pl.Int64,
    "kind": pl.String,
    "value": pl.String,
    "channel": pl.String,
    "clock": TIME,
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
    "claims": LIST,
    "field_clocks": pl.String,
    "edited_fields": pl.String,
    "line_no": pl.Int64,
    **dict.fromkeys(PLACED, pl.String),
    **_STATED,
}
"""Leads that Postgres holds: of this batch's records, and of its personas."""

STORED_VERSIONS: Schema = {
    "source_record_id": pl.String,
    "seq": pl.Int64,
    "fingerprint": pl.String,
    "claims": LIST,
    "field_clocks": pl.String,
    **_STATED,
}
"""The single statements of stored leads, where they have to be folded anew."""

STATEMENTS: Schema = {
    "lead_id": pl.String,
    "seq": pl.Int64,
    "import_id": pl.String,
    "fingerprint": pl.String,
    "is_missing": pl.Boolean,
    "is_active": pl.Boolean,
    "is_stored": pl.Boolean,
    "line_no": pl.Int64,
    "claims": LIST,
    "field_clocks": pl.String,
    **_STATED,
}
"""All statements of the leads of an import that is undone.

``is_active`` tells whether it counts from then on, ``is_stored`` whether ``lead_versions`` has
it."""

LEAD_ACTIVITIES: Schema = {
    "activity_id": pl.String,
    "lead_id": pl.String,
    "activity_type": pl.String,
    "description": pl.String,
    "user_id": pl.String,
    "occurred_at": TIME,
    "import_id": pl.String,
}
"""What happened to leads, as that table has it."""

STORED_CANDIDATES: Schema = {
    "left_id": pl.String,
    "right_id": pl.String,
    "version": pl.Int64,
    "guard": pl.String,
    "kind": pl.String,
    "value": pl.String,
    "evidence": pl.String,
    "left_lead_ids": LIST,
    "right_lead_ids": LIST,
    "judgement": pl.String,
    "judged_by": pl.String,
    "judged_at": TIME,
    "import_id": pl.String,
    "people": pl.Int64,
    "examples": LIST,
}
"""Pairs of the batch's personas, and shared values, that were told before."""

STORED_JUDGEMENTS: Schema = {
    "left_id": pl.String,
    "right_id": pl.String,
    "side": pl.String,
    "lead_id": pl.String,
    "persona_id": pl.String,
}
"""Who was judged not to be one: the leads on either side, ``left`` and ``right``, of a pair.

Of a person put in by hand, who had no lead when it was judged, it is the person."""

DECISIONS: Schema = {
    "left_id": pl.String,
    "right_id": pl.String,
    "one_id": pl.String,
    "other_id": pl.String,
    "judgement": pl.String,
    "judged_by": pl.String,
    "judged_at": TIME,
}
"""What somebody decides about candidates (``transforms.decide.Decision``)."""

FACTS: Schema = {
    "import_id": pl.String,
    "source": pl.String,
    "source_file": pl.String,
    "claim_space": pl.String,
    "id_part": pl.String,
    "is_webhook": pl.Boolean,
    "lead_source": pl.String,
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

ERASED_CLAIMS: Schema = {"kind": pl.String, "value": pl.String}
"""Claims of this file that are those of people who were erased."""
