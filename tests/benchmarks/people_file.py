"""Files of people: exports of one CRM, seeded, with the repetitions and the faults of real files.

    python -m tests.benchmarks.people_file PATH ROWS [SEED]

Of each file a tenth of the rows is about somebody who stands in it already: one row in twenty is a
record that stands there before (half of them in an older state), one in twenty another record of
the same person. Three rows in a hundred are damaged, most in one cell, a fifth as a whole. Row n is
the same whatever the size of the file, so that a small file is the beginning of a large one.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from math import gcd
from pathlib import Path

import numpy as np
import polars as pl

from tests.benchmarks.people import Numbers, People, draw

SOURCE = "salesforce"
SEED = 20_261_121
_CHUNK_ROWS = 100_000
# Rows come in rounds of twenty: the last repeats a record, the tenth is a known person's second.
_ROUND = 20
_SECOND, _REPEATED = 9, 19
# Of each round six rows are known to the earlier file: four by record, two by person alone.
_KNOWN_RECORDS, _KNOWN_PERSONS = (2, 5, 12, 15), (7, 17)
_DAMAGED_PER_MILLE = 30
# How rows are damaged, by the thousandth into which they fall.
_CELLS = (
    ("Phone", range(6), "4.41712E+11"),
    ("Phone", range(6, 10), "12345"),
    ("Email", range(10, 16), "anna.lee.example.com"),
    ("City", range(16, 20), "#REF!"),
    ("City", range(20, 24), "MÃ¼nchen"),
)
_CUT, _NOBODY = range(24, 28), range(28, 30)
_CUT_COLUMNS = 8


@dataclass(frozen=True)
class PeopleFile:
    """What stands in a file.

    Attributes:
        rows: Its rows.
        seed: Which people there are.
        first: The number of its first record; a multiple of twenty.
        changed_per_mille: Share of the records that have changed since they were exported first.
        stored_rows: Rows of the earlier file (from 0 on) with which three tenths are in common:
            one fifth of the rows are its records, half of them changed since, and one tenth
            records of their own of its people. 0: nothing is in common.
    """

    rows: int
    seed: int = SEED
    first: int = 0
    changed_per_mille: int = 0
    stored_rows: int = 0

    def chunks(self) -> Iterator[pl.DataFrame]:
        """The rows, every cell text, with ``damage``: the thousandth into which each falls."""
        for start in range(0, self.rows, _CHUNK_ROWS):
            stop = min(self.rows, start + _CHUNK_ROWS)
            yield self._frame(np.arange(start, stop, dtype=np.uint64))

    def write(self, path: Path) -> Path:
        """Write it as CSV; what stands there is replaced."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            for number, chunk in enumerate(self.chunks()):
                rows = chunk.drop("damage").with_columns(pl.all().replace("", None))
                is_cut = pl.Series(np.isin(chunk["damage"], _CUT))
                whole, cut = rows.filter(~is_cut), rows.filter(is_cut)
                whole.write_csv(file, include_header=number == 0)
                # An export that was broken off and taken up again leaves ends of lines out.
                short = cut.select(cut.columns[:_CUT_COLUMNS])
                short.write_csv(file, include_header=False)
        return path

    def _frame(self, rows: Numbers) -> pl.DataFrame:
        place = rows % _ROUND
        before = _earlier(rows, self.seed)
        records = np.where(place == _REPEATED, before, rows) + np.uint64(self.first)
        persons = np.where(place == _SECOND, before, rows) + np.uint64(self.first)
        persons = np.where(place == _REPEATED, records, persons)
        versions = 1 + self._has_changed(records)
        is_older = (place == _REPEATED) & (draw(rows, "older", self.seed) % 2 == 0)
        versions = np.where(is_older, 0, versions)
        if self.stored_rows:
            stored = _scatter(rows + np.uint64(self.first), self.stored_rows)
            is_known = np.isin(place, _KNOWN_RECORDS)
            records = np.where(is_known, stored, records)
            persons = np.where(is_known | np.isin(place, _KNOWN_PERSONS), stored, persons)
            versions = np.where(is_known, 1 + place % 2, versions)
        people = People(self.seed, persons, records, versions.astype(np.uint64))
        return self._damage(rows, people.frame())

    def _has_changed(self, records: Numbers) -> Numbers:
        return (draw(records, "changes", self.seed) % 1000 < self.changed_per_mille).astype(
            np.uint64
        )

    def _damage(self, rows: Numbers, frame: pl.DataFrame) -> pl.DataFrame:
        damage = draw(rows + np.uint64(self.first), "damage", self.seed) % 1000
        is_damaged = damage < _DAMAGED_PER_MILLE
        frame = frame.with_columns(damage=pl.Series(damage))
        if not is_damaged.any():
            return frame
        cells = [
            pl.when(pl.col("damage").is_in(thousandths)).then(pl.lit(text)).alias(name)
            for name, thousandths, text in _CELLS
        ]
        for cell in cells:
            name = cell.meta.output_name()
            frame = frame.with_columns(pl.coalesce(cell, name).alias(name))
        return frame.with_columns(
            pl.when(pl.col("damage").is_in(_NOBODY)).then(pl.lit("")).otherwise(name).alias(name)
            for name in ("Id", "Email", "Phone", "MobilePhone")
        )


def _earlier(rows: Numbers, seed: int) -> Numbers:
    """For each row the first row of a round that begins before it."""
    found = draw(rows, "earlier", seed) % np.maximum(rows, np.uint64(1))
    return found - found % np.uint64(_ROUND)


def _scatter(rows: Numbers, stored_rows: int) -> Numbers:
    """For each row another one of the earlier file, at the same place of its round."""
    count = stored_rows // _ROUND * _ROUND
    step = next(
        step
        for step in range(count // 3 // _ROUND * _ROUND + 1, 2 * count + 2, _ROUND)
        if gcd(step, count) == 1
    )
    return rows * np.uint64(step) % np.uint64(count)


if __name__ == "__main__":
    target, size, *chosen = sys.argv[1:]
    PeopleFile(int(size), *map(int, chosen)).write(Path(target))
