"""Consent columns -> the channels that a person opted out of, and statements of it."""

from collections.abc import Collection, Sequence

import polars as pl

from contracts.people import MAX_ID_BYTES
from contracts.source_rules import ConsentRule
from transforms.cells import mend_cells
from transforms.columns import by_value

_LISTS = pl.List(pl.String)


def read_consents(
    cells: pl.Series, rules: Sequence[ConsentRule], blanks: Collection[str]
) -> pl.DataFrame:
    """Read what the consent columns of each row say.

    Blank says nothing. A word that the contract does not know counts as opted out: to write to
    somebody who did not want it is worse than not to write.

    Args:
        cells: Lists of ``consents`` as ``transforms.conform`` makes them: number of the rule,
            ``\\x1f``, the cell's text.
        rules: The contract's.
        blanks: What counts as nothing, in any case.

    Returns:
        Row for row ``opt_outs`` (channels, sorted, each once), ``issue`` (consent_unknown) and
        ``raw``, the text that is not known, as it came.
    """
    rows = pl.DataFrame({"cell": cells}).with_row_index("row")
    long = rows.explode("cell", empty_as_null=False).drop_nulls()
    read = by_value(long["cell"], lambda texts: _read_texts(texts, rules, blanks))
    # Most rows opt out of nothing, and need no list of their own.
    told = long.select("row").hstack(read).filter("is_out")
    found = told.group_by("row", maintain_order=True).agg(
        opt_outs=pl.col("channel").unique().sort(), raw=pl.col("unknown").drop_nulls().first()
    )
    return rows.join(found, on="row", how="left", maintain_order="left").select(
        pl.col("opt_outs").fill_null(pl.lit([], _LISTS)),
        pl.when(pl.col("raw").is_not_null()).then(pl.lit("consent_unknown")).alias("issue"),
        "raw",
    )


def _read_texts(
    cells: pl.Series, rules: Sequence[ConsentRule], blanks: Collection[str]
) -> pl.DataFrame:
    """``channel`` of each cell, whether it ``is_out``, and its text where that is ``unknown``."""
    parts = cells.str.split_exact("\x1f", 1).struct.unnest()
    number, raw = parts.to_series(0).cast(pl.Int64), parts.to_series(1)
    mended = mend_cells(raw, blanks, is_number=True)["value"]
    word = mended.str.strip_chars_start("'").str.to_lowercase()
    is_yes, is_no, is_out = (pl.lit(value=False) for _ in range(3))
    channel = pl.lit(None, pl.String)
    for at, rule in enumerate(rules):
        mine = pl.col("number") == at
        yes = pl.lit(value=True) if "*" in rule.yes else pl.col("word").is_in(_lower(rule.yes))
        no = pl.col("word").is_in(_lower(rule.no)) & ~yes
        is_yes, is_no = is_yes | (mine & yes), is_no | (mine & no)
        is_out = is_out | (mine & (yes if rule.says == "opt_out" else no))
        channel = pl.when(mine).then(pl.lit(rule.channel)).otherwise(channel)
    is_said = pl.col("word").is_not_null()
    is_unknown = is_said & ~(is_yes | is_no)
    return pl.DataFrame({"number": number, "raw": raw, "word": word}).select(
        channel=channel,
        is_out=is_said & (is_out | is_unknown),
        unknown=pl.when(is_unknown).then("raw"),
    )


def list_opt_outs(rows: pl.DataFrame, claim_space: str) -> pl.DataFrame:
    """State each opt-out on what can be known again: the values, and the person or record.

    What is said here must hold whatever becomes of the row, so rejects state it too. A row too
    damaged to be read, and a provider's test lead, never come so far: they have no claim that can
    be read, and state nothing. Ids too long for a key are left out.

    Args:
        rows: Rows of ``transforms.normalize.normalize``, before they are admitted or rejected.
        claim_space: The claim kind of ``crm_id``.

    Returns:
        Distinct rows of ``line_no``, ``kind``, ``value``, ``channel`` and ``clock``. A channel
        phone or sms gives one for each ``phone`` of the row, email one for each ``email`` (its
        key). Besides, each channel gives one for the CRM id, or, where there is none, one of kind
        ``record`` for the record id: so an opt-out without a value of its kind is not lost.
    """
    said = rows.select(
        "line_no", "clock", "source_record_id", "crm_id", "phones", "email_keys", channel="opt_outs"
    ).explode("channel", empty_as_null=False)
    crm_id = pl.when(_fits("crm_id")).then("crm_id")
    record = said.select(
        "line_no",
        pl.when(crm_id.is_not_null())
        .then(pl.lit(claim_space))
        .otherwise(pl.lit("record"))
        .alias("kind"),
        pl.coalesce(crm_id, "source_record_id").alias("value"),
        "channel",
        "clock",
    )
    values = [
        said.filter(pl.col("channel").is_in(channels))
        .select(
            "line_no", pl.lit(kind).alias("kind"), pl.col(column).alias("value"), "channel", "clock"
        )
        .explode("value", empty_as_null=False)
        for kind, column, channels in (
            ("phone", "phones", ["phone", "sms"]),
            ("email", "email_keys", ["email"]),
        )
    ]
    stated = pl.concat([*values, record]).filter(_fits("value"))
    return stated.unique(maintain_order=True).cast({"line_no": pl.Int64})


def _fits(column: str) -> pl.Expr:
    return pl.col(column).str.len_bytes() <= MAX_ID_BYTES


def _lower(words: Sequence[str]) -> list[str]:
    return [word.lower() for word in words]
