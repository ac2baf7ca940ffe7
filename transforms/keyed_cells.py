"""What rows say of keyed tables: texts -> comparable texts, and which rows are rows of a table."""

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from contracts.issues import ISSUES
from contracts.keyed import Column, KeyedTable
from contracts.people import MAX_ID_BYTES
from contracts.registry import load_tables
from contracts.source import Source
from contracts.source_rules import ColumnRule
from transforms.cell_issues import ISSUE_SCHEMA, note_cells
from transforms.cells import mend_cells
from transforms.columns import compute
from transforms.emails import normalize_emails
from transforms.json_texts import canonical_json
from transforms.phones import normalize_phones
from transforms.shapes import SAID_CELLS, SAID_ROWS
from transforms.times import parse_times
from transforms.vocabulary import read_numbers, read_words, spell

TIME_TEXT = "%Y-%m-%dT%H:%M:%S%.6fZ"
"""How a time stands in the text of a cell; Postgres is asked for the same."""

_IDS = ("id", "reference", "phone", "number", "integer")
_YES = "yes true y t 1 success ok found hit match matched"
_NO = "no false n f 0 failure failed none miss not_found no_hit no_match unmatched"
_FLAGS = dict.fromkeys(_YES.split(), "true") | dict.fromkeys(_NO.split(), "false")


class Said(NamedTuple):
    """What a chunk of rows says of keyed tables.

    Attributes:
        rows: ``SAID_ROWS``: which lines say something of which table.
        cells: ``SAID_CELLS``: their values, as text, but for those that are blank.
        issues: ``ISSUE_SCHEMA``: damaged cells.
        rejected: ``line_no``, ``code`` and ``message`` of rows that are none of the table that the
            source is about.
    """

    rows: pl.DataFrame
    cells: pl.DataFrame
    issues: pl.DataFrame
    rejected: pl.DataFrame


def read_said(
    conformed: pl.DataFrame,
    clocks: pl.Series,
    source: Source,
    source_file: str,
    region: str,
    is_day_first: Mapping[str, bool | None],
) -> Said:
    """Read the column ``said`` of conformed rows.

    Args:
        conformed: Rows of ``transforms.conform.conform``.
        clocks: When each row was stated, as far as the source says so.
        source: The contract that they came by.
        source_file: The logical file.
        region: Of phones without a country.
        is_day_first: Order of day and month by ``table.column``, as the file's values tell.
    """
    issues: list[pl.DataFrame] = []
    rows, cells = [pl.DataFrame(schema=SAID_ROWS)], [pl.DataFrame(schema=SAID_CELLS)]
    rejected = [pl.DataFrame(schema=_REJECTED)]
    for name, rules in source.tables.items():
        reader = _Reader(load_tables()[name], rules, source, source_file, region, is_day_first)
        values = reader.read(conformed, issues)
        missing = _find_missing(reader.table, values)
        if name == source.entity:
            told = missing.filter(pl.col("code").is_not_null())
            rejected.append(told.select("line_no", "code", "message"))
        is_row = missing["code"].is_null()
        values = values.filter(is_row)
        stated_at = values[reader.table.clock] if reader.table.clock else None
        rows.append(_list_rows(name, values["line_no"], stated_at, clocks.filter(is_row)))
        cells.append(_list_cells(name, values))
    return Said(
        pl.concat(rows),
        pl.concat(cells),
        pl.concat(issues) if issues else pl.DataFrame(schema=ISSUE_SCHEMA),
        pl.concat(rejected),
    )


_REJECTED = {"line_no": pl.Int64, "code": pl.String, "message": pl.String}


class _Reader:
    """Reads what rows say of one table."""

    def __init__(
        self,
        table: KeyedTable,
        rules: Mapping[str, ColumnRule],
        source: Source,
        source_file: str,
        region: str,
        is_day_first: Mapping[str, bool | None],
    ) -> None:
        self.table, self._rules, self._source = table, rules, source
        self._source_file, self._region, self._orders = source_file, region, is_day_first

    def read(self, conformed: pl.DataFrame, issues: list[pl.DataFrame]) -> pl.DataFrame:
        """``line_no`` and each column that cells fill, as text, null where blank."""
        texts = self._texts(conformed["said"])
        lines = conformed["line_no"]
        values = [lines]
        for name, column in self.table.columns.items():
            if column.is_computed:
                continue
            value = texts.get(
                name, pl.Series(name, [None], pl.String).new_from_index(0, len(lines))
            )
            is_blank = value.is_null()
            if not is_blank.all():
                raw = value
                value, codes = self._normalize(name, column, raw)
                note_cells(issues, lines, name, raw, codes)
                is_blank = value.is_null() & codes.is_null()
            values.append(self._fill(column, value, is_blank).alias(name))
        return pl.DataFrame(values)

    def _texts(self, said: pl.Series) -> dict[str, pl.Series]:
        fields = dict.fromkeys(self._rules, pl.String)
        if not fields:
            return {}
        decoded = said.str.json_decode(pl.Struct({self.table.name: pl.Struct(fields)}))
        frame = decoded.struct.field(self.table.name).struct.unnest()
        return {name: frame[name] for name in frame.columns}

    def _fill(self, column: Column, value: pl.Series, is_blank: pl.Series) -> pl.Series:
        """What a row says whose cell is blank; of a damaged cell nothing is made up."""
        # A file that is only called after the table does not tell who made it.
        provider = "" if self._source.is_of_table else self._source.name
        default = {"source": provider, "source_file": self._source_file}.get(
            column.kind, column.default
        )
        filled = pl.Series([default or None], dtype=pl.String).new_from_index(0, len(value))
        return filled.zip_with(is_blank, value)

    def _normalize(self, name: str, column: Column, raw: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Values and issues of one column."""
        if column.kind == "json":
            # Not mended: what begins with a bracket is no formula.
            return canonical_json(raw, self._source.valueless)
        mended = mend_cells(raw, self._source.valueless, is_number=column.kind in _IDS)
        value, codes = mended["value"], mended["issue"]
        read = self._read(name, column, value)
        if read is None:
            return value, codes
        if column.kind == "number":
            codes = codes.replace("cell_decimal_tail", None)
        found = compute(pl.coalesce(pl.lit(read[1]), pl.lit(codes)))
        return read[0], found

    def _read(
        self, name: str, column: Column, text: pl.Series
    ) -> tuple[pl.Series, pl.Series] | None:
        """What a kind makes of mended text; None: it is kept as it is."""
        match column.kind:
            case "phone":
                phones = normalize_phones(text, self._region)
                return phones["e164"], phones["issue"]
            case "email":
                emails = normalize_emails(text)
                return emails["address"], emails["issue"]
            case "number" | "integer":
                return read_numbers(text, is_whole=column.kind == "integer")
            case "time":
                return self._read_times(name, text)
            case "yes_no":
                return read_words(text, _FLAGS, "flag_unknown")
            case "word":
                return read_words(text, spell(column.ranks))
            case _:
                return None

    def _read_times(self, name: str, text: pl.Series) -> tuple[pl.Series, pl.Series]:
        rule = self._rules[name]
        order = self._orders.get(f"{self.table.name}.{name}")
        times = parse_times(
            text,
            formats=rule.formats,
            day_first=order if rule.day_first is None else rule.day_first,
            timezone=rule.timezone,
        )
        return times["value"].dt.strftime(TIME_TEXT), times["issue"]


def _find_missing(table: KeyedTable, values: pl.DataFrame) -> pl.DataFrame:
    """``line_no``, and why it is no row of the table: ``code`` and ``message``, else null."""
    checks = [
        (pl.col(name).is_null(), "column_missing", name)
        for name, column in table.columns.items()
        if column.kind == "source" or (column.is_required and column.kind != "reference")
    ]
    checks += [
        (pl.col(name).str.len_bytes() > MAX_ID_BYTES, "id_too_long", name) for name in table.key
    ]
    checks += [
        (pl.col(name).ne_missing(wanted), "not_loaded", f"{name} is not '{wanted}'")
        for name, wanted in table.where.items()
    ]
    code = message = pl.lit(None, pl.String)
    for is_fault, fault, what in reversed(checks):
        sentence = f"{ISSUES[fault].sentence} ({what})"
        code = pl.when(is_fault).then(pl.lit(fault)).otherwise(code)
        message = pl.when(is_fault).then(pl.lit(sentence)).otherwise(message)
    return values.select("line_no", code=code, message=message)


def _list_rows(
    table: str, lines: pl.Series, stated_at: pl.Series | None, clocks: pl.Series
) -> pl.DataFrame:
    clock = clocks.dt.strftime(TIME_TEXT)
    if stated_at is not None:
        clock = compute(pl.coalesce(pl.lit(stated_at), pl.lit(clock)))
    return pl.DataFrame({"line_no": lines, "stated_at": clock}).select(
        pl.lit(table).alias("table_name"), "line_no", "stated_at"
    )


def _list_cells(table: str, values: pl.DataFrame) -> pl.DataFrame:
    long = values.unpivot(index="line_no", variable_name="column_name", value_name="value")
    return long.drop_nulls("value").select(
        pl.lit(table).alias("table_name"), "line_no", "column_name", "value"
    )
