"""Named fields -> comparable values: one pass over a chunk of conformed rows."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from importlib.metadata import version
from typing import NamedTuple

import polars as pl

from contracts.people import FIELDS, TEXTS
from contracts.registry import load_tables
from contracts.source import Source
from contracts.source_rules import ColumnRule
from transforms.cell_issues import ISSUE_SCHEMA, note_cells
from transforms.cells import is_blank, mend_cells
from transforms.clearing import is_token, list_cleared
from transforms.columns import compute, put
from transforms.consents import read_consents
from transforms.emails import key_emails, normalize_emails
from transforms.names import normalize_names
from transforms.phones import normalize_phones
from transforms.places import normalize_countries, normalize_postcodes, normalize_states
from transforms.record_ids import extend_salesforce_id
from transforms.tags import list_tags
from transforms.times import parse_times
from transforms.tombstones import read_deleted
from transforms.vocabulary import read_numbers, read_words, spell

_NAMES = ("first_name", "middle_name", "last_name", "full_name")
_TITLE_CASE = r"^\p{Lu}\p{Ll}+$"
_NO_LIST = pl.lit(None, pl.List(pl.String))
_NAME_PARTS = ("honorific", *_NAMES[:3], "suffix", "full_name")


RULES_VERSION = 2
"""Raised with every change by which the same text may give another value."""


class Normalized(NamedTuple):
    """A chunk of rows in comparable form.

    Attributes:
        rows: Columns of ``contracts.people.StagedPerson``, the texts, ``extra``, and
            ``opt_outs``: the channels that the person opted out of, sorted.
        issues: Columns of ``ISSUE_SCHEMA``.
    """

    rows: pl.DataFrame
    issues: pl.DataFrame


def normalize(
    conformed: pl.DataFrame,
    source: Source,
    team_region: str,
    landed_at: datetime,
    *,
    is_day_first: Mapping[str, bool | None] | None = None,
) -> Normalized:
    """Mend cells, and bring each field into the form that is stored and compared.

    Args:
        conformed: Rows of ``transforms.conform.conform``.
        source: The contract they came by.
        team_region: Region of rows where neither row nor source tells one.
        landed_at: When the file was taken in; a time a day beyond it counts as none.
        is_day_first: What the file's values say about the order of day and month, by field.

    Returns:
        As many rows as came, in their order, and the damaged cells.
    """
    issues: list[pl.DataFrame] = []
    rows = conformed.select("line_no", "source_record_id", "extra")
    rows = rows.hstack(_texts(conformed, source, issues))
    rows = _places(rows, conformed, source.region or team_region, issues)
    rows = _names(rows, conformed, issues)
    region = rows["country"].fill_null(source.region or team_region)
    phones = _phones(
        conformed.select("line_no", "phones", "area_code", region=region), source, issues
    )
    emails = _emails(conformed.select("line_no", "emails"), source, issues)
    tags = _tags(conformed.select("line_no", "tags"), source, issues)
    opt_outs = read_consents(conformed["consents"], source.consent, source.valueless)
    note_cells(issues, conformed["line_no"], "consent", opt_outs["raw"], opt_outs["issue"])
    rows = (
        rows.join(phones, on="line_no", how="left", maintain_order="left")
        .join(emails, on="line_no", how="left", maintain_order="left")
        .join(tags, on="line_no", how="left", maintain_order="left")
        .with_columns(
            pl.col("phones", "emails", "email_keys", "tags").fill_null([]),
            *_times(conformed, source, landed_at, is_day_first or {}, issues),
            is_deleted=read_deleted(conformed["deleted"], source.deleted, source.valueless),
            opt_outs=opt_outs["opt_outs"],
        )
    )
    rows = rows.with_columns(cleared=list_cleared(conformed, rows, source))
    return Normalized(rows, pl.concat(issues) if issues else pl.DataFrame(schema=ISSUE_SCHEMA))


def rules_digest(source: Source, team_region: str) -> str:
    """What the reading of a row depends on besides the row: if it differs, so may the values."""
    tables = [load_tables()[name].model_dump_json() for name in source.tables]
    said = (RULES_VERSION, version("phonenumbers"), source.model_dump_json(), team_region, *tables)
    return sha256("\n".join(map(str, said)).encode()).hexdigest()


def compare_emails(addresses: pl.Series) -> pl.Series:
    """The comparable forms of lists of stored addresses, in the same order."""
    long = pl.DataFrame({"row": range(len(addresses)), "address": addresses}).explode(
        "address", empty_as_null=False
    )
    keys = (
        long.with_columns(key=key_emails(long["address"]))
        .group_by("row", maintain_order=True)
        .agg("key")
    )
    rows = pl.DataFrame({"row": range(len(addresses))})
    return rows.join(keys, on="row", how="left", maintain_order="left")["key"].fill_null([])


def _texts(conformed: pl.DataFrame, source: Source, issues: list[pl.DataFrame]) -> list[pl.Series]:
    """Ids and texts, with what a spreadsheet did to them taken back."""
    columns = []
    for name in ("crm_id", "merged_into", *TEXTS):
        raw = conformed[name]
        if raw.null_count() == len(raw):
            columns.append(raw)
            continue
        kind = FIELDS[name].kind
        mended = mend_cells(raw, source.valueless, is_number=kind in ("key", "number"))
        value, codes = mended["value"], mended["issue"]
        rule = source.columns.get(name)
        if kind == "number":
            value, unread = read_numbers(value, is_whole=False)
            usual = codes.replace("cell_decimal_tail", None)
            codes = compute(pl.coalesce(pl.lit(unread), pl.lit(usual)))
        elif rule and rule.words:
            value, unread = read_words(value, spell(rule.words))
            codes = compute(pl.coalesce(pl.lit(unread), pl.lit(codes)))
        if name in _NAMES:
            value = _keep_names(value, raw, source)
        if name in ("crm_id", "merged_into") and source.id_form == "salesforce":
            value = pl.select(extend_salesforce_id(pl.lit(value)).alias(name)).to_series()
        columns.append(value.alias(name))
        note_cells(issues, conformed["line_no"], name, raw, codes)
    return columns


def _keep_names(value: pl.Series, raw: pl.Series, source: Source) -> pl.Series:
    """People are called Na and Null; exports write NULL and null."""
    is_emptied = value.is_null() & raw.is_not_null()
    text = pl.lit(raw.filter(is_emptied))
    is_name = text.str.contains(_TITLE_CASE) & ~is_token(text, source.clear)
    return put(value, is_emptied, compute(pl.when(is_name).then(text)))


def _places(
    rows: pl.DataFrame, conformed: pl.DataFrame, default: str, issues: list[pl.DataFrame]
) -> pl.DataFrame:
    """Country, state and postcode as codes; what is none of ours is kept as written."""
    lines = conformed["line_no"]
    country = normalize_countries(rows["country"])
    note_cells(issues, lines, "country", conformed["country"], country["issue"])
    where = country["value"].fill_null(default)
    state = normalize_states(rows["state"], where)
    note_cells(issues, lines, "state", conformed["state"], state["issue"])
    postcode = normalize_postcodes(rows["zip"], where)
    note_cells(issues, lines, "zip", conformed["zip"], postcode["issue"])
    return rows.with_columns(country=country["value"], state=state["value"], zip=postcode["value"])


def _names(rows: pl.DataFrame, conformed: pl.DataFrame, issues: list[pl.DataFrame]) -> pl.DataFrame:
    """Names in their parts, as far as they say which is which."""
    read = normalize_names(rows.select(_NAMES))
    raw = conformed.select(
        raw=pl.concat_str(
            "first_name", "middle_name", "last_name", separator=" ", ignore_nulls=True
        )
    )["raw"].replace("", None)
    raw = raw.zip_with(raw.is_not_null(), conformed["full_name"])
    note_cells(issues, conformed["line_no"], "name", raw, read["issue"])
    # A title or suffix that has a column of its own is taken as it stands.
    own = rows.select("honorific", "suffix")
    return rows.with_columns(
        read.select(_NAME_PARTS).with_columns(
            pl.coalesce(own["honorific"], "honorific"), pl.coalesce(own["suffix"], "suffix")
        )
    )


def _phones(cells: pl.DataFrame, source: Source, issues: list[pl.DataFrame]) -> pl.DataFrame:
    """All numbers of a row as one list, each once, the first written first."""
    long = _long(cells, "phones", source)
    if not len(long):
        return long.select("line_no", phones=_NO_LIST)
    answers = normalize_phones(
        long["raw"],
        long["region"],
        area_codes=long["area_code"] if source.area_code else None,
        with_repairs=True,
    )
    read = long.drop("region", "area_code").hstack(answers)
    # Of the repairs only this one loses something: the words.
    told = read.select(
        pl.coalesce("issue", pl.when(pl.col("repair") == "phone_label_dropped").then("repair"))
    ).to_series()
    note_cells(issues, read["line_no"], "phones", read["raw"], told)
    return (
        _in_order(read.select("cell", "line_no", phones="e164"), _others(read, "phones"))
        .group_by("line_no", maintain_order=True)
        .agg(pl.col("phones").unique(maintain_order=True))
    )


def _emails(cells: pl.DataFrame, source: Source, issues: list[pl.DataFrame]) -> pl.DataFrame:
    """All addresses of a row as one list, each once by its key, the first written first."""
    long = _long(cells, "emails", source)
    if not len(long):
        return long.select("line_no", emails=_NO_LIST, email_keys=_NO_LIST)
    read = long.hstack(normalize_emails(long["raw"], refuse_disposable=source.refuse_disposable))
    hint = pl.select(pl.lit("Perhaps ") + pl.lit(read["suggestion"]) + "?").to_series()
    note_cells(issues, read["line_no"], "emails", read["raw"], read["issue"], hint)
    others = _others(read, "emails")
    others = others.with_columns(email_keys=key_emails(others["emails"]))
    first = read.select("cell", "line_no", emails="address", email_keys="key")
    return (
        _in_order(first, others)
        .unique(["line_no", "email_keys"], keep="first", maintain_order=True)
        .group_by("line_no", maintain_order=True)
        .agg("emails", "email_keys")
    )


def _long(cells: pl.DataFrame, field: str, source: Source) -> pl.DataFrame:
    """One row per ``cell`` of a list field that says something."""
    long = cells.explode(field, empty_as_null=False).rename({field: "raw"})
    return long.filter(~is_blank(pl.col("raw"), source.valueless)).with_row_index("cell")


def _others(read: pl.DataFrame, field: str) -> pl.DataFrame:
    """What cells hold behind their first value, which few do."""
    others = read.filter(pl.col("others").list.len() > 0)
    return others.select("cell", "line_no", pl.col("others").alias(field)).explode(
        field, empty_as_null=False
    )


def _in_order(first: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """The values of cells, each cell's first before its others."""
    return pl.concat([first, others]).sort("cell", maintain_order=True).drop_nulls()


def _tags(cells: pl.DataFrame, source: Source, issues: list[pl.DataFrame]) -> pl.DataFrame:
    """All tags of a row as one list, each once, whatever its case."""
    long = cells.explode("tags", empty_as_null=False)
    mended = mend_cells(long["tags"], source.valueless, is_number=False)
    note_cells(issues, long["line_no"], "tags", long["tags"], mended["issue"])
    return list_tags(long.select("line_no", text=mended["value"]), source.valueless)


def _times(
    conformed: pl.DataFrame,
    source: Source,
    landed_at: datetime,
    is_day_first: Mapping[str, bool | None],
    issues: list[pl.DataFrame],
) -> list[pl.Series]:
    """``clock`` and ``last_activity_at``; null where the source does not say, or can't be right."""
    limit = landed_at + timedelta(days=1)
    columns = []
    for field, column in (("updated_at", "clock"), ("last_activity_at", "last_activity_at")):
        rule = source.columns.get(field, ColumnRule(columns=("-",)))
        raw = conformed[field]
        if raw.null_count() == len(raw):
            columns.append(raw.cast(pl.Datetime("us", "UTC")).alias(column))
            continue
        read = parse_times(
            mend_cells(raw, source.valueless, is_number=False)["value"],
            formats=rule.formats,
            day_first=is_day_first.get(field) if rule.day_first is None else rule.day_first,
            timezone=rule.timezone,
        ).with_columns(is_ahead=(pl.col("value") > limit).fill_null(value=False))
        read = read.with_columns(
            value=pl.when(~pl.col("is_ahead")).then("value"),
            issue=pl.when("is_ahead").then(pl.lit("clock_in_future")).otherwise("issue"),
        )
        note_cells(issues, conformed["line_no"], field, raw, read["issue"])
        columns.append(read["value"].alias(column))
    return columns
