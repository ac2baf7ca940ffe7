"""Resolving and planning new people in DuckDB: seconds and peak memory, in a process of its own.

    python -m tests.benchmarks.bench_identity [PEOPLE ...]

The people are made in DuckDB: three claims each, a tenth of them a second record of somebody else,
one phone in a thousand a family's, one in ten thousand an office's. Nothing is stored yet, which
is the dearest case for names, claims and golden records: all of them are new.
"""

import multiprocessing
import resource
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from contracts.registry import load_policy
from flows.settings import Settings
from flows.staging import list_sources
from flows.work_database import open_database
from transforms.dedupe import fold_statements, group_records
from transforms.facts import Facts, note_facts
from transforms.holding import hold_claims, pair_candidates, say_claims
from transforms.plan import compare_leads, make_plan
from transforms.relations import Work, query
from transforms.resolve import collect_claims, resolve
from transforms.survive import survive
from transforms.work_tables import note, open_work

MEMORY_LIMIT = "1GB"
LIMIT_BYTES = 2 * 1024**3
IMPORT_ID = "import_01M7Z0A56TP57T38CDN90RD36D"

_PEOPLE = """
insert into staged by name
with numbered as (
    select i, case when i % 10 = 9 then i - 7 else i end as person from range($people) as t(i)
)
select
    i + 2 as line_no, 'r' || i as source_record_id, 'c' || i as crm_id,
    ['+1' || case
        when person % 10000 < 12 then 2000000000 + person // 10000
        when person % 1000 < 2 then 3000000000 + person // 1000
        else 4000000000 + person
    end] as phones,
    ['p' || person || '@example.com'] as emails, ['p' || person || '@example.com'] as email_keys,
    ['Ann', 'Bob', 'Cid', 'Dora', 'Eve', 'Fay', 'Gus', 'Hal'][1 + (person % 8)] as first_name,
    'L' || (person % 50021) as last_name, 'City ' || (person % 1000) as city, 'CA' as state,
    [] as tags, false as is_deleted, timestamptz '2026-01-01 00:00:00+00' as clock
from numbered
"""
_LANDED = """
insert into landed by name
select line_no, source_record_id, md5(source_record_id) as row_hash from staged
"""


def measure(people: int, folder: Path) -> None:
    """Resolve and plan in this process, and print what each step took."""
    steps: list[tuple[str, float]] = []
    with closing(open_database(folder, Settings(folder, memory_limit=MEMORY_LIMIT))) as work:
        _make_people(work, people)
        policy = load_policy("default")
        start = time.perf_counter()

        def done(step: str) -> None:
            nonlocal start
            steps.append((step, time.perf_counter() - start))
            start = time.perf_counter()

        note_facts(work, Facts(IMPORT_ID, "generic", "generic/bench.csv", "generic"), policy)
        collect_claims(work, policy)
        done("claims")
        fold_statements(work)
        done("dedupe")
        resolve(work, policy)
        done("resolve")
        compare_leads(work)
        say_claims(work)
        hold_claims(work)
        pair_candidates(work)
        done("hold")
        survive(work)
        done("survive")
        plan = make_plan(work, IMPORT_ID)
        done("plan")
        claims = query(work, "select count(*) from claims").item()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    total = sum(seconds for _, seconds in steps)
    told = ", ".join(f"{step} {seconds:.1f}" for step, seconds in steps)
    print(
        f"{people:>10,} people, {claims:,} claims: {total:.1f} s, peak {peak / 1e6:,.0f} MB"
        f" ({peak / LIMIT_BYTES:.0%} of 2 GiB)\n           {told}\n"
        f"           {plan.effects}",
        flush=True,
    )


def _make_people(work: Work, people: int) -> None:
    open_work(work, list_sources())
    note(work, "encoding", "utf-8")
    work.execute(_PEOPLE, {"people": people}).fetchall()
    work.execute(_LANDED).fetchall()
    group_records(work)
    work.execute("create or replace table changed_records as from records").fetchall()


def main() -> None:
    """Measure each size in a process of its own: peak memory is that of a process."""
    sizes = [int(size) for size in sys.argv[1:]] or [1_000_000]
    context = multiprocessing.get_context("spawn")
    for people in sizes:
        with tempfile.TemporaryDirectory() as folder:
            process = context.Process(target=measure, args=(people, Path(folder)))
            process.start()
            process.join()
            if process.exitcode:
                sys.exit(f"{people:,} people: the process ended with {process.exitcode}")


if __name__ == "__main__":
    main()
