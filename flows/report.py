"""What people see of imports and rejects: as text, JSON, CSV or markdown."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from contracts.issues import ISSUES
from flows.jobs import Outcome
from flows.ledger import Import, Issue
from transforms.plan import Counts

_EXAMPLE_CHARS = 70
# The end of an id is random; so much of it tells apart what one screen shows.
_SHORT_ID_CHARS = 6

COUNT_LABELS = {
    "landed": "rows",
    "inserted": "new",
    "updated": "changed",
    "unchanged": "unchanged",
    "duplicate": "duplicate",
    "rejected": "rejected",
    "deleted": "deleted",
}

MATCH_LABELS = {
    "source_record": "known record",
    "crm_id": "CRM id",
    "phone": "phone",
    "email": "email",
    "new": "new person",
}


def to_json(outcome: Outcome) -> dict[str, Any]:
    """An outcome as scripts read it; the counts under the ledger's names."""
    return {
        "import_id": outcome.import_id,
        "team_id": outcome.team_id,
        "source": outcome.source,
        "file_name": outcome.file_name,
        "status": outcome.status,
        "match": outcome.match,
        **{f"rows_{name}": count for name, count in outcome.counts._asdict().items()},
        "effects": outcome.effects,
        "reason": outcome.reason,
    }


def sentence(outcome: Outcome) -> str:
    """An outcome in one sentence."""
    counts = outcome.counts
    if not outcome.is_good:
        return f"{outcome.status.title()}: {outcome.reason}"
    said = [
        f"{getattr(counts, name):,} {label}"
        for name, label in COUNT_LABELS.items()
        if name != "landed" and (getattr(counts, name) or name in ("inserted", "updated"))
    ]
    start = "Would be" if outcome.status == "dry_run" else "Done"
    return f"{start}: {counts.landed:,} rows: {', '.join(said)}."


def summary(outcomes: Sequence[Outcome]) -> Group:
    """What became of the rows of each file, and how its records found their people."""
    files = [
        Text(outcome.file_name + (" (dry run)" if outcome.status == "dry_run" else ""))
        for outcome in outcomes
    ]
    rows = make_table("file")
    for name, label in COUNT_LABELS.items():
        if name != "deleted" or any(outcome.counts.deleted for outcome in outcomes):
            rows.add_column(label, justify="right")
    for file, outcome in zip(files, outcomes, strict=True):
        counts = (f"{count:,}" for count in _shown(outcome.counts))
        rows.add_row(file, *list(counts)[: len(rows.columns) - 1])
    matches = make_table("person found by")
    for label in MATCH_LABELS.values():
        matches.add_column(label, justify="right", no_wrap=True)
    for file, outcome in zip(files, outcomes, strict=True):
        matches.add_row(file, *(f"{outcome.match.get(name, 0):,}" for name in MATCH_LABELS))
    return Group(rows, matches)


def _shown(counts: Counts) -> list[int]:
    return [getattr(counts, name) for name in COUNT_LABELS]


def make_table(*columns: str) -> Table:
    """An empty table in our style; a cell that is too wide ends in dots."""
    table = Table(
        box=box.SIMPLE_HEAD,
        header_style="bold",
        show_edge=False,
        pad_edge=False,
        padding=(0, 0, 0, 1),
    )
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def markdown(outcome: Outcome) -> str:
    """An import as a page: for Prefect's artifacts."""
    rows = [
        f"| {label} | {getattr(outcome.counts, name):,} |" for name, label in COUNT_LABELS.items()
    ]
    matches = [
        f"| {label} | {outcome.match.get(name, 0):,} |" for name, label in MATCH_LABELS.items()
    ]
    return "\n".join(
        (
            f"# {outcome.file_name} into {outcome.team_id}",
            "",
            sentence(outcome),
            "",
            *("| rows | count |", "|---|---:|", *rows),
            "",
            *("| found by | records |", "|---|---:|", *matches),
            "",
            f"`{outcome.import_id}`",
        )
    )


def imports_table(entries: Iterable[Import]) -> Table:
    """The ledger, newest first."""
    table = make_table("import", "team", "file", "source", "status", "started (UTC)")
    for name in ("rows", "new", "changed", "rejected"):
        table.add_column(name, justify="right")
    for entry in entries:
        table.add_row(
            f"..{entry.import_id[-_SHORT_ID_CHARS:]}",
            entry.team_id,
            Text(entry.file_name),
            entry.source,
            entry.status,
            f"{entry.started_at:%m-%d %H:%M}",
            f"{entry.rows_landed:,}",
            f"{entry.rows_inserted:,}",
            f"{entry.rows_updated:,}",
            f"{entry.rows_rejected:,}",
        )
    return table


def entry_lines(entry: Import) -> list[RenderableType]:
    """One import in full."""
    took = (
        f"{(entry.finished_at - entry.started_at).total_seconds():.1f} s"
        if entry.finished_at
        else "not finished"
    )
    outcome = Outcome.of_entry(entry)
    lines: list[RenderableType] = [
        Text(f"{entry.import_id}  {entry.status}", style="bold"),
        Text(f"{entry.file_name} ({entry.source}) into {entry.team_id}, as {entry.source_file}"),
        Text(f"started by {entry.started_by}, {entry.started_at:%Y-%m-%d %H:%M:%S} UTC, {took}"),
    ]
    if entry.reason:
        lines.append(Text(entry.reason, style="red"))
    if entry.status == "done":
        lines.append(summary([outcome]))
        changes = [
            f"{count:,} {action}s in {name}"
            for name, actions in entry.effects.items()
            for action, count in actions.items()
        ]
        lines.append(Text("Written: " + (", ".join(changes) or "nothing") + "."))
    return lines


def issue_counts(issues: Iterable[Issue]) -> Table:
    """How often each reason came, with an example."""
    found: dict[tuple[str, str], list[Issue]] = {}
    for issue in issues:
        found.setdefault((issue.severity, issue.code), []).append(issue)
    table = make_table()
    table.add_column("count", justify="right")
    table.add_column("reason", no_wrap=True)
    table.add_column("what it means, and an example", overflow="fold")
    for (severity, code), group in sorted(
        found.items(), key=lambda item: (item[0][0] != "reject", -len(item[1]), item[0][1])
    ):
        example = f"line {group[0].line_no}: {group[0].text.strip()}"
        kept = "" if severity == "reject" else " The row was kept."
        told = Text(f"{ISSUES[code].sentence}{kept}\n") + Text(_short(example), style="dim")
        table.add_row(f"{len(group):,}", code, told)
    return table


def issues_table(issues: Iterable[Issue]) -> Table:
    """Rejected rows, line by line."""
    table = make_table()
    table.add_column("line", justify="right")
    table.add_column("reason", no_wrap=True)
    table.add_column("what it means, and the row as it came", overflow="fold")
    for issue in issues:
        told = Text(f"{issue.message}\n") + Text(issue.text.strip(), style="dim")
        table.add_row(str(issue.line_no), issue.code, told)
    return table


def write_rejects(path: Path, entry: Import, issues: Iterable[Issue]) -> int:
    """Write rejected rows to a CSV for a spreadsheet, and return how many there were.

    The columns ``_leadfold_import`` and ``_leadfold_line`` tell where each row came from.
    """
    rows = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("_leadfold_import", "_leadfold_line", "code", "reason", "row"))
        for issue in issues:
            text = issue.text.rstrip("\r\n")
            writer.writerow(
                (entry.import_id, issue.line_no, issue.code, issue.message, _inert(text))
            )
            rows += 1
    return rows


def _inert(text: str) -> str:
    """Text that a spreadsheet does not run: a formula gets an apostrophe in front."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _short(text: str) -> str:
    return text if len(text) <= _EXAMPLE_CHARS else text[: _EXAMPLE_CHARS - 3] + "..."


def plain(console: Console, text: str) -> None:
    """Print text as it is, with no markup read into it."""
    console.print(Text(text), soft_wrap=True)
