"""The Postgres tables that an import fills: columns and keys, as far as an upsert needs them."""

from dataclasses import dataclass

from contracts.people import GOLDEN, PLACED, TEXTS


@dataclass(frozen=True)
class Table:
    """One table of a team's data.

    Attributes:
        name: Its name in Postgres.
        key: The columns that tell its rows apart within a team.
        columns: What a plan fills, but for ``team_id``, which every table starts with.
        merged: JSON columns of which an update replaces only ``extra``: other keys are not ours.
        is_versioned: Whether rows are updated, by the version (``xmin``) with which they were read.
        is_kept: Whether rows are kept in ``row_versions`` as they were before they change or go.
        found_by: Columns besides the key by which rows are found.
        unique_index: What refuses a second row of a key, where it is not the primary key.
        is_keyed: Whether it is planned by its key (``contracts.keyed``), and not with people.
        written_by: The columns in whose order new rows are written, where it is not the key.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    merged: tuple[str, ...] = ()
    is_versioned: bool = False
    is_kept: bool = False
    found_by: tuple[str, ...] = ()
    unique_index: str = ""
    is_keyed: bool = False
    written_by: tuple[str, ...] = ()

    @property
    def planned_in(self) -> str:
        """The table of the work database that holds what is planned of it."""
        return f"{'keyed' if self.is_keyed else 'plan'}_{self.name}"

    @property
    def joined(self) -> tuple[str, ...]:
        """The columns by which rows are found: what Postgres is to know the distribution of."""
        return tuple(dict.fromkeys((*self.key, *self.found_by)))

    @property
    def refused_by(self) -> str:
        """The constraint or index that refuses a row which somebody else has written."""
        return self.unique_index or f"{self.name}_pkey"


_STATEMENT = (
    *("crm_id", "phones", "emails", *TEXTS, "tags", "last_activity_at", "is_deleted"),
    *("is_missing", "claims", "clock", "field_clocks", "fields", "fingerprint", "line_no"),
    "import_id",
)

LEADS = Table(
    "leads",
    key=("lead_id",),
    columns=(
        *("lead_id", "source", "source_file", "source_record_id", "persona_id", *PLACED),
        *_STATEMENT,
    ),
    merged=("fields",),
    is_versioned=True,
    found_by=("source_record_id", "source_file", "persona_id"),
)

PERSONAS = Table(
    "personas",
    key=("persona_id",),
    columns=(
        *("persona_id", *GOLDEN, "is_phone_exclusive", "is_ended", "merged_into"),
        *("edited_fields", "claims", "shared_claims", "import_id"),
    ),
    is_versioned=True,
)

IDENTITIES = Table(
    "identities",
    key=("kind", "value", "persona_id"),
    columns=("kind", "value", "persona_id", "is_exclusive"),
    unique_index="identities_exclusive_unique_idx",
)

LEAD_VERSIONS = Table(
    "lead_versions", key=("lead_id", "import_id"), columns=("lead_id", *_STATEMENT)
)

PERSONA_VERSIONS = Table(
    "persona_versions",
    key=("persona_id", "import_id"),
    columns=("persona_id", "import_id", "previous_import_id", "change", "changes"),
)

MERGE_CANDIDATES = Table(
    "merge_candidates",
    key=("left_id", "right_id"),
    columns=(
        *("left_id", "right_id", "guard", "kind", "value", "evidence", "left_lead_ids"),
        *("right_lead_ids", "judgement", "judged_by", "judged_at", "import_id"),
    ),
    is_versioned=True,
    is_kept=True,
)

OPT_OUTS = Table(
    "opt_outs",
    key=("kind", "value", "channel", "source_file"),
    columns=("kind", "value", "channel", "source_file", "stated_at", "import_id"),
    is_kept=True,
)

LEAD_ACTIVITIES = Table(
    "lead_activities",
    key=("activity_id",),
    columns=(
        *("activity_id", "lead_id", "activity_type", "description", "user_id", "occurred_at"),
        "import_id",
    ),
    is_kept=True,
)

UNDONE_LEADS = Table(
    "undone_leads",
    key=("lead_id",),
    columns=(*("lead_id", "source", "source_file", "source_record_id", "persona_id", "import_id"),),
)

LEAD_MOVES = Table(
    "lead_moves",
    key=("lead_id", "import_id"),
    columns=("lead_id", "from_persona_id", "to_persona_id", "import_id"),
)

IDENTITY_VERSIONS = Table(
    "identity_versions",
    key=("kind", "value", "persona_id", "import_id"),
    columns=("kind", "value", "persona_id", "was_exclusive", "is_exclusive", "import_id"),
)

ROW_VERSIONS = Table(
    "row_versions",
    key=("table_name", "row_key", "import_id"),
    columns=("table_name", "row_key", "before", "import_id"),
)

ROW_STATEMENTS = Table(
    "row_statements",
    key=("table_name", "row_id", "import_id", "line_no"),
    columns=("table_name", "row_id", "import_id", "line_no", "stated_at", "cells"),
    is_keyed=True,
)
