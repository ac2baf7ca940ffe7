"""A look at a file before it is imported: how it is written, and which contract fits."""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from contracts.errors import UnreadableFileError
from contracts.registry import load_source, load_sources
from flows.landing import Batch, land
from flows.reading import Layout, read
from transforms.conform import POSITION
from transforms.corrections import own_columns
from transforms.recognise import Fit, propose_columns, rank_sources, recognise, write_contract

_ROWS_SHOWN = 10
_ROWS_READ = 1000


@dataclass(frozen=True)
class Inspection:
    """What is to be seen of a file.

    Attributes:
        file_name: Its name; a member of an archive has the archive's in front.
        layout: How it is written.
        rows: The first ten records, text by header.
        rejected: Records among the first thousand that cannot be rows.
        fits: Every contract, the best first.
        proposal: A contract as YAML; empty where one fits exactly.
    """

    file_name: str
    layout: Layout
    rows: pl.DataFrame
    rejected: int
    fits: list[Fit]
    proposal: str


def inspect_file(path: Path, region: str = "US") -> list[Inspection]:
    """Look at a file, or at each member of an archive. Nothing is kept of it.

    Raises:
        UnreadableFileError: It cannot be read as what it claims to be.
    """
    with tempfile.TemporaryDirectory() as folder:
        return [_inspect(batch, region) for batch in land(path, Path(folder))]


def find_source(batch: Batch) -> str:
    """The name of the one contract that fits a landed file exactly.

    Raises:
        UnknownSourceError: None does, or several do.
    """
    layout = read(batch).layout
    return recognise(batch.file_name, layout.columns, load_sources()).name


def _inspect(batch: Batch, region: str) -> Inspection:
    if batch.refusal:
        raise UnreadableFileError(batch.refusal)
    reading = read(batch, chunk_rows=_ROWS_READ)
    chunk = next(reading.chunks(), None)
    empty = pl.DataFrame(schema=dict.fromkeys(reading.layout.columns, pl.String))
    rows = chunk.rows.drop(POSITION) if chunk else empty
    # Also of a file of rejects, which is read as the file that it corrects.
    fits = rank_sources(own_columns(reading.layout.columns), load_sources())
    proposal = ""
    if not any(fit.is_exact for fit in fits):
        name = re.sub(r"[^a-z0-9]+", "_", Path(batch.file_name).stem.lower()).strip("_") or "list"
        proposal = write_contract(name, propose_columns(rows, load_source("generic"), region))
    rejected = len(chunk.rejects) if chunk else 0
    return Inspection(
        batch.file_name, reading.layout, rows.head(_ROWS_SHOWN), rejected, fits, proposal
    )
