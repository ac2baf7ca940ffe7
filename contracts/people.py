"""What is true of a person: the fields that we know, and frames of staged and golden people."""

from typing import Literal, NamedTuple

import pandera.polars as pa
import polars as pl

E164_DIGITS = 15
"""As many digits a number has at most, with its country code (ITU-T E.164, 6.1)."""
E164 = rf"^\+[1-9][0-9]{{1,{E164_DIGITS - 1}}}$"

FieldKind = Literal["key", "text", "number", "phones", "emails", "tags", "time"]

LIST_KINDS: tuple[FieldKind, ...] = ("phones", "emails", "tags")
"""Kinds of fields that hold several values, and that every mapped column fills."""


class Field(NamedTuple):
    """One field that a contract may fill.

    Attributes:
        name: The column in staged rows and leads.
        kind: ``key``: an id, kept as written but for outer blanks. ``text``: free text.
            ``number``: in plain digits, as text.
            ``phones``, ``emails``, ``tags``: a list, filled by every column that is mapped to it.
            ``time``: a timestamp in UTC.
    """

    name: str
    kind: FieldKind


LEAD_TEXTS = (
    "product",
    "lead_status",
    "niche",
    "stage",
    "score",
    "device_id",
    "user_id",
    "conversation_id",
    "note",
)
"""Text that belongs to the single lead, and that no persona takes over."""

TEXTS = (
    "honorific",
    "first_name",
    "middle_name",
    "last_name",
    "suffix",
    "full_name",
    "profile_name",
    "company",
    "job_title",
    "st_address",
    "city",
    "state",
    "zip",
    "country",
    *LEAD_TEXTS,
)
"""Text of a lead, in the order of its columns."""

PLACED = ("lead_source", "board_id", "board_name")
"""What a lead gets from the import, beside what its record states."""

EDITED_TEXTS = ("lead_status", "stage", "score")
"""Text of a lead that people edit by hand, and that then stays."""

EDITED_OF_LEAD = (*EDITED_TEXTS, "board_id", "board_name")
"""All of a lead that people edit by hand, and that then stays."""

STATED = (
    *("crm_id", "phones", "emails", "email_keys", *TEXTS),
    *("tags", "last_activity_at", "is_deleted", "clock", "extra"),
)
"""What one statement says about a person; ``merged_into`` and opt-outs travel beside it."""

GOLDEN_TEXTS = tuple(name for name in TEXTS if name not in LEAD_TEXTS)
"""Text that the persona takes over."""

GOLDEN = ("crm_id", "phone", "email", *GOLDEN_TEXTS, "tags")
"""The fields of a golden record."""


def _kind_of_text(name: str) -> FieldKind:
    if name == "score":
        return "number"
    return "key" if name.endswith("_id") else "text"


FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("source_record_id", "key"),
        Field("crm_id", "key"),
        Field("phones", "phones"),
        Field("emails", "emails"),
        *(Field(name, _kind_of_text(name)) for name in TEXTS),
        Field("tags", "tags"),
        Field("last_activity_at", "time"),
        # The id of the record into which the CRM merged this one.
        Field("merged_into", "key"),
        Field("updated_at", "time"),
    )
}
"""Every field that a source may name, by name."""

CLEARABLE = tuple(
    name for name, field in FIELDS.items() if field.kind in ("text", "number", *LIST_KINDS)
)
"""Fields that a contract's clear token empties; what identifies a record and times are none."""

IDENTIFYING = ("crm_id", "phones", "emails")
"""A person needs one of these."""


MAX_ID_BYTES = 500
"""How long an id may be: an index row holds some 2,700 bytes (PostgreSQL, btree)."""

MADE_ID = "h1_"
"""How the record id of a row begins that brought none: it is made from the row's text."""


class StagedPerson(pa.DataFrameModel):
    """A person as one row of a source states it: typed and normalised, not deduplicated.

    Grain: one row per row of the file. Uniqueness is no concern here: it is DuckDB's.
    """

    line_no: int = pa.Field(ge=1, description="Line of the file on which the row starts.")
    source_record_id: str = pa.Field(
        str_length={"min_value": 1}, description="The source's id, else a hash of the row."
    )
    crm_id: str = pa.Field(nullable=True, description="The id in the CRM's own name space.")
    phones: pl.List(pl.String) = pa.Field(  # type: ignore[valid-type]
        description="E.164, the row's first one first, each once."
    )
    emails: pl.List(pl.String) = pa.Field(  # type: ignore[valid-type]
        description="Addresses, the row's first one first, each once."
    )
    email_keys: pl.List(pl.String) = pa.Field(  # type: ignore[valid-type]
        description="The comparable form of each address, in the same order."
    )
    tags: pl.List(pl.String) = pa.Field(  # type: ignore[valid-type]
        description="Each once, whatever its case, sorted by its small letters."
    )
    last_activity_at: pl.Datetime("us", "UTC") = pa.Field(  # type: ignore[valid-type]
        nullable=True, description="When something last happened to the person, by the source."
    )
    is_deleted: bool = pa.Field(description="A tombstone: the source deleted the record.")
    merged_into: str = pa.Field(
        nullable=True, description="The CRM's id of the record that this one was merged into."
    )
    clock: pl.Datetime("us", "UTC") = pa.Field(  # type: ignore[valid-type]
        nullable=True, description="When the source last changed the record."
    )
    cleared: pl.List(pl.String) = pa.Field(  # type: ignore[valid-type]
        description="The fields that the row says are empty by a clear token, sorted."
    )

    @pa.dataframe_check(name="no_identity")
    @classmethod
    def has_a_claim(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """A person needs a CRM id, a phone or an email; a tombstone only its record's own id."""
        names_record = ~pl.col("source_record_id").str.starts_with(MADE_ID)
        return data.lazyframe.select(
            (pl.col("is_deleted") & names_record)
            | pl.col("crm_id").is_not_null()
            | (pl.col("phones").list.len() > 0)
            | (pl.col("emails").list.len() > 0)
        )

    @pa.dataframe_check(name="id_too_long")
    @classmethod
    def has_ids_that_fit(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """An id is a key of an index."""
        ids = pl.col("source_record_id", "crm_id")
        return data.lazyframe.select(
            pl.all_horizontal(ids.str.len_bytes().fill_null(0) <= MAX_ID_BYTES)
        )

    @pa.dataframe_check(name="phones_are_e164")
    @classmethod
    def has_phones_in_e164(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Every phone is a number that can be dialled from anywhere."""
        return data.lazyframe.select(
            pl.col("phones").list.eval(pl.element().str.contains(E164)).list.all()
        )
