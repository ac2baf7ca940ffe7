"""Why a stored person is as it is: all that was said of it, with what the rules made of that."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from contracts.people import GOLDEN
from transforms.normalize import compare_emails
from transforms.relations import Work, query, run
from transforms.shapes import STORED_VERSIONS, Schema
from transforms.survive import choose_winners

STATEMENTS: Schema = {
    "lead_id": pl.String,
    "import_id": pl.String,
    "line_no": pl.Int64,
    **{
        name: dtype
        for name, dtype in STORED_VERSIONS.items()
        if name not in ("source_record_id", "email_keys")
    },
}
"""What each import said of the leads of a person; ``seq`` is the order of commits."""


@dataclass(frozen=True)
class Said:
    """A value that somebody said of a field.

    Attributes:
        reason: ``ranked``: the rule compared it with others. It was passed over before:
            ``superseded``, since its record said something newer; ``ended``, since the source has
            deleted the record; ``not_held``, since the value is not the person's.
        place: Of a ranked one, 1 the winner.
        lead_id: None: an edit by hand.
        trust: Of the source.
        landing: The import that last changed the lead.
        edited_at: Of an edit by hand.
        position: Where in its record's list it stands; None: only an earlier or a duplicate row
            of the record stated it.
        newer_value: Of a superseded one, what the record says by now; None: nothing.
        seq: Which statement of the lead said it.
    """

    field: str
    value: str
    rule: str
    reason: str
    place: int | None
    lead_id: str | None
    source: str | None
    trust: int | None
    landing: str | None
    edited_at: str | None
    position: int | None
    clock: datetime | None
    newer_value: str | None
    newer_clock: datetime | None
    seq: int | None


@dataclass(frozen=True)
class Claimed:
    """Which statement of a lead stated a claim."""

    kind: str
    value: str
    lead_id: str
    seq: int


def rank_stored(work: Work) -> None:
    """Compute the golden records of stored people as they are, ranking all that is said of them.

    Reads what ``compare_leads`` has made of a batch without rows. Makes what ``survive`` makes.
    """
    run(work, "hold_as_stored")
    run(work, "list_edits")
    run(work, "gather_leads")
    run(work, "count_as_several")
    run(work, "rank_fields")
    choose_winners(work)


def take_statements(work: Work, statements: pl.DataFrame) -> None:
    """Put the statements (columns of ``STATEMENTS``) of the stored leads into the work database."""
    work.register(
        "incoming", statements.with_columns(email_keys=compare_emails(statements["emails"]))
    )
    work.execute("create or replace table statements as from incoming").fetchall()
    work.unregister("incoming")
    run(work, "trace_statements")


def list_said(work: Work) -> list[Said]:
    """All that was said of each golden field, the winner of each first.

    Reads what ``rank_stored`` and ``take_statements`` have made.
    """
    run(work, "explain_fields")
    found = query(work, "from told_values")
    times = [name for name, dtype in found.schema.items() if isinstance(dtype, pl.Datetime)]
    found = found.with_columns(pl.col(times).dt.convert_time_zone("UTC"))
    return [Said(**row) for row in found.iter_rows(named=True)]


def list_claimed(work: Work) -> list[Claimed]:
    """Which statements stated which claims, in the order of commits."""
    found = query(work, "from said_by order by seq, lead_id, kind, value")
    return [Claimed(**row) for row in found.iter_rows(named=True)]


def golden_now(work: Work) -> dict[str, str | None]:
    """The golden record as the rules give it now; lists as text."""
    fields = ", ".join(
        "array_to_string(tags, ', ') as tags" if name == "tags" else name for name in GOLDEN
    )
    rows = query(work, f"select {fields} from golden").to_dicts()  # noqa: S608
    return rows[0] if rows else {}
