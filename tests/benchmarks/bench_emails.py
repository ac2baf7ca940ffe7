"""How many times as fast as `email-validator`, row by row, over the same mixed column.

Run:  POLARS_MAX_THREADS=1 python tests/benchmarks/bench_emails.py [rows]

One core, one process. The library's time is taken on the first 100,000 rows, ours on all of them;
both are the median of five runs, by turns, after one to warm up. CPU time of all threads, because
the clock on the wall also counts the neighbours; on an idle machine both are the same.
"""

import os

os.environ.setdefault("POLARS_MAX_THREADS", "1")

import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import email_validator
import polars as pl

from transforms.emails import normalize_emails
from transforms.emails.syntax import is_plain_address

FIRST = ["james", "mary", "robert", "patricia", "john", "jennifer", "linda", "wei", "fatima"]
LAST = ["smith", "johnson", "brown", "garcia", "o'brien", "nguyen", "van-dyke", "chen", "rossi"]
CONSUMER = ["gmail.com"] * 38 + ["yahoo.com"] * 12 + ["hotmail.com"] * 8 + [
    *["outlook.com"] * 6, *["icloud.com"] * 6, *["aol.com"] * 4, *["comcast.net"] * 2,
]  # fmt: skip


def make_cell(draw: random.Random, row: int) -> str:
    """Nine cells in ten clean; the rest as exports are: case, blanks, names, lists, slips."""
    first, last = draw.choice(FIRST), draw.choice(LAST)
    local = draw.choice([f"{first}.{last}{row}", f"{first[0]}{last}{row}", f"{first}+{row}"])
    company = f"{last.replace(chr(39), '')}-{first}{draw.randrange(30_000)}.com"
    address = f"{local}@{draw.choice(CONSUMER) if draw.random() < 0.8 else company}"
    forms: list[tuple[float, str]] = [
        (0.900, address),
        (0.960, address.title()),
        (0.970, f" {address} "),
        (0.978, f"{first.title()} {last.title()} <{address}>"),
        (0.982, f"mailto:{address}"),
        (0.986, f"{address}; {first}@{company}"),
        (0.992, f"{local}@gmail"),
        (0.996, address.replace(".com", ".con")),
        (0.999, draw.choice(["n/a", "none", "test@test.com", "-"])),
        (1.000, f"josé{row}@bücher.example"),
    ]
    share = draw.random()
    return next(cell for limit, cell in forms if share <= limit)


def median_seconds(*jobs: Callable[[], object], runs: int = 5) -> list[float]:
    """CPU seconds of each job; the jobs take turns, so that a slow minute hits all of them."""
    seconds: list[list[float]] = [[] for _ in jobs]
    for run in range(runs + 1):
        for job, taken in zip(jobs, seconds, strict=True):
            start = time.process_time()
            job()
            if run:
                taken.append(time.process_time() - start)
    return [statistics.median(taken) for taken in seconds]


def validate_each(cells: list[str]) -> None:
    for cell in cells:
        try:
            email_validator.validate_email(cell, check_deliverability=False)
        except email_validator.EmailNotValidError:
            continue


def main(rows: int) -> None:
    draw = random.Random(4)
    cells = [make_cell(draw, row) for row in range(rows)]
    column = pl.Series(cells)
    lowered = pl.DataFrame({"cell": column.str.to_lowercase()})
    plain = lowered.select(is_plain_address(pl.col("cell")).mean()).item()
    sample = cells[:100_000]
    library_seconds, our_seconds = median_seconds(
        lambda: validate_each(sample), lambda: normalize_emails(column)
    )
    library, ours = len(sample) / library_seconds, rows / our_seconds
    print(f"rows {rows:,}, distinct {column.n_unique():,}, decided by one pattern {plain:.1%}")
    print(f"email-validator  {library:>12,.0f} rows/s")
    print(f"normalize_emails {ours:>12,.0f} rows/s")
    print(f"ratio            {ours / library:>12.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
