"""How fast reading is, against polars.scan_csv in the same process, and how much memory it takes.

python tests/benchmarks/bench_reading.py            # 1M rows, 14 columns: the ratio
python tests/benchmarks/bench_reading.py --memory 2 # peak memory while reading 2 GB
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import polars as pl

from flows.landing import land
from flows.reading import read

HEADER = "id,first,last,email,phone,mobile,company,street,city,state,zip,created,status,notes\n"


def write_leads(path: Path, n_rows: int, *, has_quotes: bool = True) -> None:
    """A clean file of about 185 bytes per row; every tenth row may have a quoted cell."""
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER)
        for first in range(0, n_rows, 20_000):
            numbers = range(first, min(n_rows, first + 20_000))
            file.write("".join(_row(number, has_quotes) for number in numbers))


def _row(i: int, has_quotes: bool) -> str:
    is_quoted = has_quotes and i % 10 == 0
    notes = '"Called, left a message"' if is_quoted else "warm lead from the fair"
    return (
        f"{100000 + i},Maria,Gonzalez{i % 977},maria.{i}@example{i % 31}.com,"
        f"+1415555{i % 10000:04d},(415) 555-{i % 10000:04d},Acme Roofing {i % 500},"
        f"{i % 9000} Main Street,Springfield,CA,{90000 + i % 9999},"
        f"2026-01-{1 + i % 28:02d}T10:00:00Z,open,{notes}\n"
    )


def best_seconds(work: Callable[[], int], tries: int = 5) -> tuple[float, int]:
    """The shortest of some runs, and what the work returned."""
    best, result = float("inf"), 0
    for _ in range(tries):
        start = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - start)
    return best, result


def cpu_seconds(work: Callable[[], int], tries: int = 5) -> float:
    """The least processor time of some runs, all threads: steadier on a busy machine."""
    best = float("inf")
    for _ in range(tries):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def compare_speed(folder: Path, n_rows: int, *, has_quotes: bool) -> None:
    """Print seconds and the ratio."""
    path = folder / "leads.csv"
    write_leads(path, n_rows, has_quotes=has_quotes)
    print("\nevery tenth row has a quoted cell" if has_quotes else "no cell is quoted")
    (batch,) = land(path, folder / "landing")
    scan = pl.scan_csv(batch.path, infer_schema=False)
    polars_seconds, n_polars = best_seconds(lambda: scan.collect().height)

    def ours() -> int:
        return sum(chunk.rows.height for chunk in read(batch).chunks())

    def whole() -> int:
        return pl.concat([chunk.rows for chunk in read(batch).chunks()]).height

    our_seconds, n_ours = best_seconds(ours)
    whole_seconds, _ = best_seconds(whole)
    assert n_polars == n_ours == n_rows
    size_mb = batch.size_bytes / 1e6
    print(f"{n_rows:,} rows, {size_mb:,.0f} MB, {pl.thread_pool_size()} threads")
    print(f"polars.scan_csv(...).collect()  {polars_seconds:.3f} s")
    print(f"read(...).chunks()              {our_seconds:.3f} s")
    print(f"the same, kept as one frame     {whole_seconds:.3f} s")
    print(f"speed, polars = 1               {polars_seconds / our_seconds:.2f}")
    print(f"speed, kept as one frame        {polars_seconds / whole_seconds:.2f}")
    polars_cpu, our_cpu = cpu_seconds(lambda: scan.collect().height), cpu_seconds(ours)
    print(f"processor time                  {polars_cpu:.3f} s, ours {our_cpu:.3f} s")


def measure_memory(folder: Path, size_gb: float) -> None:
    """Print the peak resident memory of reading a file of this size."""
    path = folder / "big.csv"
    write_leads(path, int(size_gb * 1e9 / 185))
    (batch,) = land(path, folder / "landing")
    before = _peak_mb()
    start = time.perf_counter()
    n_rows = sum(chunk.rows.height for chunk in read(batch).chunks())
    seconds = time.perf_counter() - start
    print(f"{n_rows:,} rows, {batch.size_bytes / 1e9:.2f} GB in {seconds:.1f} s")
    print(f"peak memory {_peak_mb():,.0f} MB ({before:,.0f} MB before reading)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--memory", type=float, metavar="GB")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if arguments.memory:
            measure_memory(Path(name), arguments.memory)
        else:
            for has_quotes in (False, True):
                compare_speed(Path(name), arguments.rows, has_quotes=has_quotes)
