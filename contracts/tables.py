"""The Postgres tables that an import fills: columns and keys, as far as an upsert needs them."""

from dataclasses import dataclass

from contracts.people import GOLDEN, TEXTS


@dataclass(frozen=True)
class Table:
    """One table of a team's data.

    Attributes:
        name: Its name in Postgres.
        key: The columns that tell its rows apart within a team; rows are written in this order.
        columns: What a plan fills, but for ``team_id``, which every table starts with.
        merged: JSON columns of which an update replaces only the keys that it states.
        is_versioned: Whether rows are updated, by the version (``xmin``) with which they were read.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    merged: tuple[str, ...] = ()
    is_versioned: bool = True


LEADS = Table(
    "leads",
    key=("lead_id",),
    columns=(
        *("lead_id", "source", "source_file", "source_record_id", "persona_id", "crm_id"),
        *("phones", "emails", *TEXTS, "opt_outs", "clock", "fields", "fingerprint", "import_id"),
    ),
    merged=("fields",),
)

PERSONAS = Table("personas", key=("persona_id",), columns=("persona_id", *GOLDEN, "import_id"))

IDENTITIES = Table(
    "identities",
    key=("kind", "value", "persona_id"),
    columns=("kind", "value", "persona_id"),
    is_versioned=False,
)

TABLES = (PERSONAS, IDENTITIES, LEADS)
"""In the order in which an import writes them."""
