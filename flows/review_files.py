"""Candidates as a CSV for a spreadsheet, and the decisions that come back in it."""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import polars as pl

from contracts.errors import WrongCallError
from flows.candidates import Pair, Review
from flows.landing import check_path, land
from flows.reading import ReadingHints, read
from flows.review_report import FIELDS, NAMES, cells, kind_words, why
from transforms.cells import neutralize
from transforms.decide import Judgement

_SIDES = tuple(f"{side}_{name}" for name in FIELDS for side in ("left", "right"))
COLUMNS = ("id", "decision", "points", "names", "shared", "guard", "why", *_SIDES, "team")
"""The columns of the CSV, in order; the two sides stand next to each other, field by field."""

DECISIONS: Mapping[str, Judgement | None] = {
    "same": "same",
    "not same": "not_same",
    "": None,
    "later": None,
}
"""What may stand in the column ``decision``, in any case; None: not judged now."""

_FAULTS_TOLD = 20


class Line(NamedTuple):
    """A decision of a file.

    Attributes:
        line_no: Where it stands.
        pair_id: As it stands there.
        judgement: What it says.
    """

    line_no: int
    pair_id: str
    judgement: Judgement


def write_pairs(path: Path, reviews: Sequence[Review]) -> int:
    """Write pairs to a CSV, a row each, and return how many there were.

    A new file is for its owner only: it holds people's data. No spreadsheet runs a cell of it.

    Raises:
        WrongCallError: It is no CSV by its name, or cannot be written.
    """
    if path.suffix.lower() != ".csv":
        raise WrongCallError(f"Pairs are written as CSV, not as '{path.name}'. Give a .csv file.")
    rows = [_row(pair, review.team.name) for review in reviews for pair in review.pairs]
    frame = pl.DataFrame(rows, dict.fromkeys(COLUMNS, pl.String), orient="row")
    inert = frame.with_columns(neutralize(pl.col(name)).alias(name) for name in COLUMNS)
    try:
        with open(path, "wb", opener=partial(os.open, mode=0o600)) as file:
            # With the mark by which Excel knows UTF-8.
            inert.write_csv(file, include_bom=True, line_terminator="\r\n")
    except OSError as error:
        raise WrongCallError(f"Cannot write '{path}': {error.strerror}.") from error
    return len(rows)


def read_decisions(path: Path) -> list[Line]:
    """The decisions of a file that ``write_pairs`` wrote, however a spreadsheet has saved it.

    Raises:
        WrongCallError: There is no such file, it lacks a column, or a line says what is no
            decision; the message tells all such lines.
        UnreadableFileError: It cannot be read.
    """
    check_path(path)
    found: list[Line] = []
    faults: list[tuple[int, str]] = []
    for line_no, pair_id, said in _read_cells(path):
        word = " ".join(said.casefold().replace("_", " ").replace("-", " ").split())
        if word not in DECISIONS:
            known = "same, not same, or later"
            faults.append((line_no, f"'{said}' is no decision. Write {known}; empty is later."))
        elif judgement := DECISIONS[word]:
            if pair_id:
                found.append(Line(line_no, pair_id, judgement))
            else:
                faults.append((line_no, "a decision, but no id to tell about which pair."))
    raise_faults(path, faults)
    return found


def raise_faults(path: Path, faults: Sequence[tuple[int, str]]) -> None:
    """Refuse a file for what its lines say, if any is at fault.

    Raises:
        WrongCallError: There are faults; the message tells them by line.
    """
    if not faults:
        return
    told = [f"line {line_no}: {fault}" for line_no, fault in sorted(faults)[:_FAULTS_TOLD]]
    if len(faults) > _FAULTS_TOLD:
        told.append(f"and {len(faults) - _FAULTS_TOLD:,} more.")
    raise WrongCallError("\n".join([f"{path.name}: nothing was judged.", *told]))


def _row(pair: Pair, team: str) -> tuple[str | None, ...]:
    shared = ", ".join(f"{kind_words(each.kind)} {each.value}" for each in pair.shared)
    sides = (", ".join(cells(side, name)) for name in FIELDS for side in (pair.left, pair.right))
    names = NAMES[pair.names]
    told = (str(pair.points), names, shared, pair.told.guard, why(pair))
    return tuple(cell or None for cell in (pair.pair_id, None, *told, *sides, team))


def _read_cells(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line, id and decision of each row."""
    with tempfile.TemporaryDirectory() as folder:
        batches = land(path, Path(folder))
        if len(batches) != 1:
            raise WrongCallError(f"{path.name} is an archive of several files: give one of them.")
        reading = read(batches[0], hints=ReadingHints(known_names=frozenset(COLUMNS)))
        names = {name.strip().casefold(): name for name in reversed(reading.layout.columns)}
        missing = [name for name in ("id", "decision") if name not in names]
        if missing:
            raise WrongCallError(
                f"{path.name} has no column '{missing[0]}'. Its header says:"
                f" {', '.join(reading.layout.columns[:8])}.\n"
                "Write a file with all columns: leadfold review --export FILE.csv"
            )
        for chunk in reading.chunks():
            rejects = chunk.rejects.filter(pl.col("code") != "not_a_record")
            raise_faults(path, list(rejects.select("line_no", "message").iter_rows()))
            picked = chunk.rows.select("line_no", names["id"], names["decision"])
            for line_no, pair_id, said in picked.iter_rows():
                yield line_no, _bare(pair_id), _bare(said)


def _bare(cell: str | None) -> str:
    """A cell without what surrounds it where a spreadsheet took it for text."""
    return (cell or "").strip().lstrip("'").strip()
