"""Tables of number ranges, compiled from the metadata as rows ask for them.

A table is a sorted column of range starts with a payload beside it; a column of numbers is looked
up in it by one binary search per row. A range that nobody has asked for often enough is not
compiled: its rows go to `phonenumbers`, which is cheaper for a few hundred of them.
"""

from collections.abc import Callable, Iterable
from functools import cache
from threading import Lock
from typing import NamedTuple

import polars as pl
from phonenumbers import PhoneNumberType

from transforms.phones import rules
from transforms.phones.kinds import NO_REGION, Answer, answer_runs
from transforms.phones.metadata import calling_codes
from transforms.phones.patterns import UnsupportedPatternError
from transforms.phones.rules import SLOW, UNCOMPILED, Run

ROWS_WORTH_COMPILING = 400
"""Rows of one range, over all calls so far, from which on compiling it is cheaper than asking
`phonenumbers`, which takes about 22 microseconds a row."""


class Found(NamedTuple):
    """What a lookup gives, row for row."""

    code: pl.Series
    modulus: pl.Series
    base: pl.Series


class _Columns(NamedTuple):
    start: pl.Series
    code: pl.Series
    modulus: pl.Series
    base: pl.Series


class RangeTable:
    """Ranges of integers, each compiled when enough rows have fallen into it."""

    def __init__(self, ranges: Iterable[tuple[int, int, str]], compile_range: "CompileRange"):
        """Start with nothing compiled.

        Args:
            ranges: First number, first number behind, and a prefix that `compile_range` knows.
            compile_range: Gives the runs of a range; the first starts where the range does.
        """
        self._compile_range = compile_range
        self._lock = Lock()
        self._rows_seen: dict[int, int] = {}
        runs = [Run(0, SLOW)]
        for start, end, prefix in sorted(ranges):
            if runs[-1].start == start:
                runs.pop()
            runs += [Run(start, UNCOMPILED, prefix=prefix), Run(end, SLOW)]
        self._runs = {run.start: run for run in runs}
        self._columns = _as_columns(self._runs)

    def look_up(self, numbers: pl.Series) -> Found:
        """Find the run of each number (Int64, none null), compiling ranges that are worth it.

        A row whose code is `UNCOMPILED` or `SLOW` has no answer here.
        """
        if numbers.is_empty():
            return Found(*(column.clear() for column in self._columns[1:]))
        counted: set[int] = set()
        while True:
            columns = self._columns
            at = columns.start.search_sorted(numbers, side="right") - 1
            code = columns.code.gather(at)
            is_missing = code == UNCOMPILED
            if is_missing.any():
                missed = columns.start.gather(at.filter(is_missing)).value_counts(name="rows")
                if self._compile(dict(missed.iter_rows()), counted):
                    continue
            return Found(code, columns.modulus.gather(at), columns.base.gather(at))

    def _compile(self, missed: dict[int, int], counted: set[int]) -> bool:
        """Compile the ranges that are worth it; whether a second look is."""
        with self._lock:
            is_changed = False
            for start, rows in missed.items():
                run = self._runs[start] if start in self._runs else Run(start, SLOW)
                if run.code != UNCOMPILED:
                    is_changed = True
                    continue
                if start not in counted:
                    counted.add(start)
                    self._rows_seen[start] = self._rows_seen.get(start, 0) + rows
                if self._rows_seen[start] < ROWS_WORTH_COMPILING:
                    continue
                is_changed = True
                try:
                    compiled = self._compile_range(start, run.prefix)
                except UnsupportedPatternError:
                    compiled = [Run(start, SLOW)]
                self._runs.update({found.start: found for found in compiled})
                # What is still uncompiled below starts to count anew.
                del self._rows_seen[start]
                counted.discard(start)
            if is_changed:
                self._columns = _as_columns(self._runs)
            return is_changed


CompileRange = Callable[[int, str], list[Run]]


def _as_columns(runs: dict[int, Run]) -> _Columns:
    ordered = [runs[start] for start in sorted(runs)]
    return _Columns(
        pl.Series("start", [run.start for run in ordered], dtype=pl.Int64),
        pl.Series("code", [run.code for run in ordered], dtype=pl.Int32),
        pl.Series("modulus", [run.modulus for run in ordered], dtype=pl.Int64),
        pl.Series("base", [run.base for run in ordered], dtype=pl.Int64),
    )


@cache
def national_table(region: str) -> RangeTable:
    """Numbers as written in a region, without a plus: digits behind a 1 -> E.164 digits."""
    lengths = range(rules.SHORTEST_DIGITS, rules.LONGEST_DIGITS + 1)
    return RangeTable(
        ((10**length, 2 * 10**length, "") for length in lengths),
        lambda start, prefix: rules.national_runs(region, len(str(start)) - 1, prefix),
    )


@cache
def international_table() -> RangeTable:
    """Numbers as written behind a plus: digits behind a 1 -> E.164 digits."""
    ranges = []
    codes = calling_codes()
    for code in codes:
        for length in range(rules.SHORTEST_DIGITS, rules.LONGEST_DIGITS + 1):
            unit = 10 ** (length - len(str(code)))
            start = 10**length + code * unit
            ranges.append((start, start + unit, str(code)))

    def compile_range(start: int, prefix: str) -> list[Run]:
        code = next(code for code in codes if prefix.startswith(str(code)))
        return rules.international_runs(code, len(str(start)) - 1, prefix)

    return RangeTable(ranges, compile_range)


class AnswerTable:
    """E.164 digits -> region, kind and validity."""

    def __init__(self) -> None:
        self._answers: dict[Answer, int] = {NO_REGION: 0}
        ranges = []
        for code in calling_codes():
            for length in range(2, rules.LONGEST_DIGITS - len(str(code)) + 1):
                unit = 10**length
                ranges.append((code * unit, (code + 1) * unit, str(code)))
        self._table = RangeTable(ranges, self._compile)

    def look_up(self, numbers: pl.Series) -> pl.Series:
        """An index into `answers` for each number, negative where there is none here."""
        return self._table.look_up(numbers).code

    def answers(self) -> pl.DataFrame:
        """One row per index: `region`, `kind` (lower case) and `is_valid`."""
        answers = list(self._answers)
        return pl.DataFrame(
            {
                "region": [answer.region for answer in answers],
                "kind": [PhoneNumberType.to_string(answer.kind).lower() for answer in answers],
                "is_valid": [answer.kind != PhoneNumberType.UNKNOWN for answer in answers],
            },
            schema={"region": pl.String, "kind": pl.String, "is_valid": pl.Boolean},
        )

    def _compile(self, start: int, prefix: str) -> list[Run]:
        length = len(str(start)) - len(prefix)
        return [
            Run(start + first, self._answers.setdefault(answer, len(self._answers)))
            for first, answer in answer_runs(int(prefix), length)
        ]


@cache
def answer_table() -> AnswerTable:
    """The table of all calling codes."""
    return AnswerTable()
