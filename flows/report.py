"""What people see of imports and rejects: as text, JSON, CSV or markdown."""

import csv
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from contracts.issues import ISSUES
from contracts.people import FIELDS
from contracts.registry import load_sources
from flows.import_issues import Issue
from flows.jobs import Outcome
from flows.ledger import Import
from flows.reject_rows import list_correctable, tabulate
from flows.settings import Settings
from flows.terminal import make_table, text_of, visible
from transforms.masks import mask_sentence

_EXAMPLE_CHARS = 70
# The end of an id is random; so much of it tells apart what one screen shows.
_SHORT_ID_CHARS = 6
_SHORTEST_NAME = 3


COUNT_LABELS = {
    "landed": "rows",
    "inserted": "new",
    "updated": "changed",
    "unchanged": "unchanged",
    "duplicate": "duplicate",
    "rejected": "rejected",
    "deleted": "deleted",
}

CAUSES = {
    "undo": "takes an earlier import back",
    "unmerge": "takes a person apart",
    "rules": "the file was imported before, and is read by other rules now",
    "review": "somebody judged who is one person, and who is not",
    "correction": "rejected rows of an earlier import, corrected",
}
"""What set off an import, where it was not the file alone."""

MATCH_LABELS = {
    "source_record": "known record",
    "crm_id": "CRM id",
    "phone": "phone",
    "email": "email",
    "new": "new person",
}

_EFFECTS = {"insert": "new", "update": "changed", "delete": "gone"}


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
        **({"changes": outcome.changes.counts} if outcome.changes else {}),
        **({"kept": outcome.kept} if outcome.kept else {}),
    }


def sentence(outcome: Outcome) -> str:
    """An outcome in one sentence."""
    counts = outcome.counts
    if not outcome.is_good:
        return visible(f"{outcome.status.title()}: {outcome.reason}")
    said = [
        f"{getattr(counts, name):,} {label}"
        for name, label in COUNT_LABELS.items()
        if name != "landed" and (getattr(counts, name) or name in ("inserted", "updated"))
    ]
    start = "Would be" if outcome.status == "dry_run" else "Done"
    return f"{start}: {counts.landed:,} rows: {', '.join(said)}."


def public_sentence(outcome: Outcome, settings: Settings) -> str:
    """An outcome in one sentence, for Prefect: with nobody's data in it, unless that is wanted."""
    told = sentence(outcome)
    if outcome.status == "dry_run" and outcome.reason:
        told = f"{told} {outcome.reason}"
    return hide(told, outcome.file_name, settings)


def hide(text: str, file_name: str, settings: Settings) -> str:
    """A sentence for Prefect: what it quotes of a file is hidden, unless that is wanted."""
    if settings.shows_contacts:
        return text
    return mask_sentence(text, _known_words() | {*re.findall(r"[^\W\d_]+", file_name.lower())})


@cache
def _known_words() -> frozenset[str]:
    """The words of the headers and fields that any contract knows, in lower case."""
    names = {name for source in load_sources().values() for name in source.known_headers}
    words = re.findall(r"[^\W\d_]+", " ".join((*names, *FIELDS, *load_sources())).lower())
    # A letter alone is the start of any name.
    return frozenset(word for word in words if len(word) > 1)


def effects_sentence(effects: Mapping[str, Mapping[str, int]]) -> str:
    """What was written where, in words."""
    changes = [
        f"{count:,} {_EFFECTS[action]} in {name.replace('_', ' ')}"
        for name, actions in effects.items()
        for action, count in actions.items()
    ]
    return ", ".join(changes) or "nothing"


def summary(outcomes: Sequence[Outcome]) -> Group:
    """What became of the rows of each file, and how its records found their people."""
    files = [outcome.file_name for outcome in outcomes]
    counts = {
        label: [getattr(outcome.counts, name) for outcome in outcomes]
        for name, label in COUNT_LABELS.items()
        if name != "deleted" or any(outcome.counts.deleted for outcome in outcomes)
    }
    matches = {
        label: [outcome.match.get(name, 0) for outcome in outcomes]
        for name, label in MATCH_LABELS.items()
    }
    return Group(
        _fit_table({"file": files, **counts}, ["file"]),
        _fit_table({"person found by": files, **matches}, ["person found by"]),
    )


def _fit_table(columns: Mapping[str, Sequence[str | int]], names: Sequence[str]) -> Table:
    """A table whose counts are whole on any terminal; the columns ``names`` give way to them."""
    table = make_table()
    cells = {
        label: [f"{cell:,}" if isinstance(cell, int) else visible(cell) for cell in column]
        for label, column in columns.items()
    }
    for label, column in cells.items():
        if label in names:
            table.add_column(label, min_width=_SHORTEST_NAME, overflow="ellipsis")
        else:
            is_count = any(isinstance(cell, int) for cell in columns[label])
            table.add_column(
                label,
                justify="right" if is_count else "left",
                no_wrap=True,
                min_width=max(map(len, (label, *column))),
            )
    for row in zip(*cells.values(), strict=True):
        table.add_row(*(Text(cell, no_wrap=True) for cell in row))
    return table


def imports_table(entries: Sequence[Import]) -> Table:
    """The ledger, newest first."""
    columns: dict[str, list[str | int]] = {
        "import": [f"..{entry.import_id[-_SHORT_ID_CHARS:]}" for entry in entries],
        "team": [entry.team_id for entry in entries],
        "file": [entry.file_name for entry in entries],
        "source": [entry.source for entry in entries],
        "status": ["undone" if entry.undone_by_import_id else entry.status for entry in entries],
        "started UTC": [f"{entry.started_at:%m-%d %H:%M}" for entry in entries],
        "rows": [entry.rows_landed for entry in entries],
        "new": [entry.rows_inserted for entry in entries],
        "changed": [entry.rows_updated for entry in entries],
        "rejected": [entry.rows_rejected for entry in entries],
    }
    table = _fit_table(columns, ["team", "file", "source"])
    table.padding = 0  # or millions do not fit 80 columns
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
        Text(
            f"{entry.import_id}  {'undone' if entry.undone_by_import_id else entry.status}",
            style="bold",
        ),
        text_of(f"{entry.file_name} ({entry.source}) into {entry.team_id}, as {entry.source_file}"),
        text_of(f"started by {entry.started_by}, {entry.started_at:%Y-%m-%d %H:%M:%S} UTC, {took}"),
    ]
    if entry.cause in CAUSES:
        earlier = entry.undoes_import_id or entry.corrects_import_id
        of = f" ({earlier})" if earlier else ""
        lines.append(Text(f"cause: {entry.cause}: {CAUSES[entry.cause]}{of}"))
    if entry.reason:
        lines.append(text_of(entry.reason, style="red"))
    lines += [text_of(f"Earlier, {each['at'][:19]}: {each['reason']}") for each in entry.stops]
    if entry.status == "done":
        if entry.cause in ("file", "rules", "correction"):
            lines.append(summary([outcome]))
        lines.append(Text(f"Written: {effects_sentence(entry.effects)}."))
    return lines


def issue_counts(issues: Iterable[Issue]) -> Table:
    """How often each reason came, with an example."""
    found: dict[tuple[str, str], list[Issue]] = {}
    for issue in issues:
        found.setdefault((issue.severity, issue.code), []).append(issue)
    table = make_table()
    table.add_column("count", justify="right", no_wrap=True)
    table.add_column("reason", no_wrap=True)
    table.add_column("what it means, and an example", overflow="fold")
    for (severity, code), group in sorted(
        found.items(), key=lambda item: (item[0][0] != "reject", -len(item[1]), item[0][1])
    ):
        example = f"line {group[0].line_no}: {group[0].text.strip()}"
        kept = "" if severity == "reject" else " The row was kept."
        told = text_of(f"{ISSUES[code].sentence}{kept}\n") + text_of(_short(example), style="dim")
        table.add_row(f"{len(group):,}", code, told)
    return table


def issues_table(issues: Iterable[Issue]) -> Table:
    """Rejected rows, line by line."""
    table = make_table()
    table.add_column("line", justify="right", no_wrap=True)
    table.add_column("reason", no_wrap=True)
    table.add_column("what it means, and the row as it came", overflow="fold")
    for issue in issues:
        told = text_of(f"{issue.message}\n") + text_of(issue.text.strip(), style="dim")
        table.add_row(str(issue.line_no), issue.code, told)
    return table


def write_rejects(path: Path, entry: Import, issues: Sequence[Issue]) -> int:
    """Write rejected rows to a CSV that people correct and import again; return how many.

    They stand under the header of their file, behind ``_leadfold_import`` and ``_leadfold_line``,
    which tell where each came from, and ``_leadfold_reason``. What is resolved, and what is no
    record, is left out. A new file is for its owner only: it holds people's data.
    """
    header, rows = tabulate(entry, list_correctable(issues))
    opener = partial(os.open, mode=0o600)
    with open(path, "w", encoding="utf-8-sig", newline="", opener=opener) as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return len(rows)


def rejects_hint(entry: Import, issues: Sequence[Issue]) -> str:
    """Where the rejected rows are, and how many of them were corrected since."""
    rejects = [issue for issue in issues if issue.severity == "reject"]
    resolved = sum(issue.is_resolved for issue in rejects)
    said = f"Corrected and loaded since: {resolved:,} of {len(rejects):,} rejected rows.\n"
    return f"{said if resolved else ''}The rejected rows: leadfold rejects {entry.import_id}"


def _short(text: str) -> str:
    return text if len(text) <= _EXAMPLE_CHARS else text[: _EXAMPLE_CHARS - 3] + "..."
