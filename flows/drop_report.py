"""What stands beside a dropped file once it is dealt with: a report, and its rejected rows."""

from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path

import psycopg
from rich.console import Console, RenderableType

from contracts.feeds import AUTO
from flows import import_issues, ledger, report
from flows.drop_claims import Claim
from flows.import_issues import Issue
from flows.jobs import Outcome
from flows.moving import write_whole
from flows.reject_rows import list_correctable
from flows.terminal import text_of, visible

REPORT = ".report.txt"
_REJECTS = ".rejects.csv"
BESIDE = (REPORT, _REJECTS)
"""What may stand beside a file, put behind its name."""

_WIDTH = 90


def write_reports(
    connection: psycopg.Connection | None, claim: Claim, outcomes: Sequence[Outcome], path: Path
) -> None:
    """Write ``<path>.report.txt``, and ``<path>.rejects.csv`` if rows can be corrected.

    Both are for their owner only: they hold people's data. Written again, they are replaced.

    Args:
        connection: To the ledger; None: there is nothing of the file in it.
        claim: The file.
        outcomes: What became of it; of an archive, of each member.
        path: Where the file is to lie.
    """
    lines: list[RenderableType] = [*_head(claim), ""]
    if claim.refusal:
        lines += ["Not imported.", text_of(claim.refusal), "", _again(claim)]
    for number, outcome in enumerate(outcomes, start=1):
        issues: list[Issue] = []
        if connection and (entry := ledger.get_import(connection, outcome.import_id)):
            issues = import_issues.list_issues(connection, entry)
            lines += report.entry_lines(entry)
        else:
            lines.append(text_of(report.sentence(outcome)))
        lines += ["", *_next_steps(claim, outcome, path)]
        if issues:
            lines += [report.issue_counts(issues), ""]
        rejects = [issue for issue in issues if issue.severity == "reject"]
        if connection and entry and list_correctable(rejects):
            target = _rejects_path(path, number, len(outcomes))
            report.write_rejects(target, entry, rejects)
            lines += [
                text_of(
                    f"The rows that were not loaded are in {target.name}. Correct them there and"
                    " drop that file; leave the columns that begin with _leadfold as they are."
                ),
                "",
            ]
    console = Console(file=StringIO(), width=_WIDTH, highlight=False)
    for line in lines:
        console.print(line)
    assert isinstance(console.file, StringIO)
    text = "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())
    write_whole(Path(f"{path}{REPORT}"), f"{text.strip()}\n".encode())


def note_not_kept(path: Path) -> None:
    """Add to the report of a file why the file itself is not there."""
    report = Path(f"{path}{REPORT}")
    note = (
        "The file itself is not kept: it held rows of people who were erased, and cannot be kept"
        " without them."
    )
    write_whole(report, f"{report.read_text()}\n{note}\n".encode())


def remove_reports(path: Path) -> None:
    """Take away what stands beside a file that moves on."""
    for ending in BESIDE:
        Path(f"{path}{ending}").unlink(missing_ok=True)


def _head(claim: Claim) -> list[RenderableType]:
    name = visible(claim.name)
    return [
        text_of(name),
        "=" * min(len(name), _WIDTH),
        text_of(f"Dropped by {claim.dropped_by} as {claim.dropped_as}."),
    ]


def _next_steps(claim: Claim, outcome: Outcome, path: Path) -> list[RenderableType]:
    if outcome.status == "held":
        return [
            text_of(
                "The import waits for somebody to decide. Nothing of it is loaded meanwhile; this"
                " file stays here until then. Decide in Prefect, under Runs, or by a command:"
            ),
            *(text_of(f"  leadfold decide {outcome.import_id} {how}") for how in _ways(outcome)),
            "",
        ]
    if outcome.status == "failed":
        return [_again(claim), ""]
    return []


def _ways(outcome: Outcome) -> Iterator[str]:
    """What can be decided about an import that is held."""
    if outcome.source != AUTO:
        yield "--apply            (it is as it should be)"
    yield "--source SOURCE    (it is from this source)"
    yield "--reject           (it is not to be imported)"


def _again(claim: Claim) -> RenderableType:
    if not claim.is_file:
        return text_of("It was taken out of the drop folder. What it led to was not touched.")
    return text_of("Once that is mended, drop the file again: this copy is not looked at any more.")


def _rejects_path(path: Path, number: int, of: int) -> Path:
    """The first member's rejects have the usual name; those of others a number."""
    again = f".{number}" if of > 1 and number > 1 else ""
    return Path(f"{path}{again}{_REJECTS}")
