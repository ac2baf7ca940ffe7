"""The report of an import as a page of markdown, which Prefect's UI shows with its run."""

import re
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import psycopg

from contracts.issues import ISSUES
from flows import candidates, charts, ledger, report, warehouse
from flows.import_issues import list_reasons
from flows.jobs import Outcome
from flows.ledger import Import
from flows.pages import cell, escape, table
from flows.plan_report import count_lines, remarks
from flows.settings import Settings
from transforms.masks import mask_field, mask_name, mask_shape
from transforms.plan_changes import Reason

_MOST_PEOPLE = 10
_MOST_FIELDS = 8
_LONGEST_EXAMPLE = 120
_DECISIONS = {"apply": "apply it anyway", "reject": "reject the file", "source": "read it as"}


class FieldChange(NamedTuple):
    """One field of a person, before and after; None: empty."""

    name: str
    before: str | None
    after: str | None
    source: str


class ChangedPerson(NamedTuple):
    """A person who was there before, and what changes of the golden record."""

    name: str
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True)
class Findings:
    """What a report tells beside the counts.

    Attributes:
        entry: The row of the ledger; a dry run has none.
        reasons: Why rows were rejected, the most frequent first.
        people: Some people who change.
        people_count: How many change.
        remarks: What else people should know.
    """

    entry: Import | None = None
    reasons: Sequence[Reason] = ()
    people: Sequence[ChangedPerson] = ()
    people_count: int = 0
    remarks: Sequence[str] = field(default=())


def find_out(outcome: Outcome, settings: Settings) -> Findings:
    """Gather what the report of an import tells.

    Raises:
        DatabaseUnavailableError: Postgres does not answer.
    """
    if changes := outcome.changes:
        people = [
            ChangedPerson(
                sample.first.name or "",
                tuple(
                    FieldChange(each.field or "", each.before, each.after, each.source or "")
                    for each in sample.changes
                ),
            )
            for sample in changes.samples
            if (sample.first.what, sample.first.action) == ("persona", "update")
        ]
        count = changes.counts.get("persona", {}).get("update", 0)
        return Findings(None, changes.rejects, people, count)
    with warehouse.connected(settings, outcome.import_id) as connection:
        entry = ledger.get_import(connection, outcome.import_id)
        if entry is None or entry.status != "done":
            return Findings(entry)
        people, count = _list_changed(connection, entry)
        told = remarks(entry, candidates.count_held(connection, entry))
        return Findings(entry, list_reasons(connection, entry), people, count, told)


def _list_changed(connection: psycopg.Connection, entry: Import) -> tuple[list[ChangedPerson], int]:
    """Some people whose golden record an import changed, and how many there are."""
    found = connection.execute(
        "SELECT coalesce(p.full_name, ''), v.changes - '{leads,merged_into}'::text[],"
        " count(*) OVER () FROM persona_versions AS v"
        " LEFT JOIN personas AS p USING (team_id, persona_id)"
        " WHERE v.team_id = %s AND v.import_id = %s"
        " AND v.changes - '{leads,merged_into}'::text[] <> '{}'"
        " ORDER BY v.persona_id LIMIT %s",
        [entry.team_id, entry.import_id, _MOST_PEOPLE],
    ).fetchall()
    people = [
        ChangedPerson(
            name,
            tuple(
                FieldChange(key, said.get("before"), said.get("after"), said.get("source") or "")
                for key, said in changes.items()
            ),
        )
        for name, changes, _ in found
    ]
    return people, found[0][2] if found else 0


def page(outcome: Outcome, findings: Findings, settings: Settings) -> str:
    """The report of an import: what became of it, in words, tables and pictures."""
    lines = [
        f"# {escape(outcome.file_name)} into {escape(outcome.team_id)}",
        "",
        f"**{escape(report.public_sentence(outcome, settings))}**",
        "",
    ]
    if outcome.is_good:
        lines += _counts(outcome)
    lines += _held(outcome, findings.entry, settings)
    lines += _meanings(outcome)
    lines += [f"- {escape(remark)}" for remark in findings.remarks]
    lines += _reasons(findings.reasons, settings)
    lines += _people(outcome, findings, settings)
    if findings.entry:
        lines += _further(outcome, settings)
    return "\n".join(lines)


def _counts(outcome: Outcome) -> Iterator[str]:
    counts = {label: getattr(outcome.counts, name) for name, label in report.COUNT_LABELS.items()}
    whole = counts.pop("rows")
    found = {
        label: outcome.match[name]
        for name, label in report.MATCH_LABELS.items()
        if outcome.match.get(name)
    }
    title = f"What became of {whole:,} rows"
    yield from (charts.image(charts.stacked(title, list(counts.items())), "rows"), "")
    yield from table(("What became of the rows", "Rows"), [("**all**", whole), *counts.items()])
    yield ""
    if found:
        title = "How the records found their people"
        yield from (charts.image(charts.bars(title, list(found.items())), "matches"), "")
        yield from table(("Person found by", "Records"), found.items())
        yield ""
    if outcome.status == "done":
        yield f"Written: {escape(report.effects_sentence(outcome.effects))}."
    elif outcome.changes:
        yield "A dry run: nothing was written."
        yield ""
        yield from table(
            ("What would change", "Count"),
            [(escape(label), count) for label, count in count_lines(outcome.changes)],
        )
    yield ""


def _held(outcome: Outcome, entry: Import | None, settings: Settings) -> Iterator[str]:
    """Each time that it was held, and what was decided."""
    if not entry or not entry.holds:
        return
    yield from ("", "## Held for a decision", "")
    rows = []
    for hold in entry.holds:
        said = _DECISIONS.get(hold.get("decision", ""), "")
        source = f" {hold['source']}" if hold.get("decision") == "source" else ""
        rows.append(
            (
                cell(hold.get("held_at", "")[:16].replace("T", " ")),
                escape(report.hide(hold["reason"], outcome.file_name, settings)),
                cell(said + source) if said else "not decided yet",
                cell(hold.get("decided_by", "")),
            )
        )
    yield from table(("Held (UTC)", "Why", "Decision", "By"), rows)
    if outcome.status == "held":
        yield from (
            "",
            "Nothing was written. To decide, open the run that waits with the state *Held*:"
            " its menu (three dots) has *Resume*. On the command line:",
            *("", "```"),
            *(
                f"leadfold decide {outcome.import_id} {how} --by NAME"
                for how in ("--apply", "--reject", "--source SOURCE")
            ),
            "```",
        )
    yield ""


def _meanings(outcome: Outcome) -> Iterator[str]:
    """What the codes mean that a reason names."""
    if outcome.status != "held":
        return
    codes = dict.fromkeys(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", outcome.reason))
    for code in codes:
        if code in ISSUES:
            yield f"- `{code}`: {escape(ISSUES[code].sentence)}"


def _reasons(reasons: Sequence[Reason], settings: Settings) -> Iterator[str]:
    if not reasons:
        return
    yield from ("", "## Rejected rows", "")
    rows = [
        (
            reason.rows,
            cell(ISSUES[reason.code].sentence),
            reason.line_no,
            _example(reason, settings),
        )
        for reason in reasons
    ]
    yield from table(("Rows", "Why", "First in line", "That row"), rows)
    if not settings.shows_contacts:
        yield from ("", "Of the example only the form is shown: a letter as x, a digit as 9.")
    yield ""


def _example(reason: Reason, settings: Settings) -> str:
    text = reason.example[:_LONGEST_EXAMPLE]
    return cell(text if settings.shows_contacts else mask_shape(text))


def _people(outcome: Outcome, findings: Findings, settings: Settings) -> Iterator[str]:
    if not findings.people:
        return
    shown = len(findings.people)
    what = "would change" if outcome.status == "dry_run" else "changed"
    yield from ("", f"## People who {what}: {findings.people_count:,}", "")
    rows: list[tuple[str, ...]] = []
    for person in findings.people:
        name = person.name if settings.shows_contacts else mask_name(person.name)
        for number, change in enumerate(person.fields[:_MOST_FIELDS]):
            rows.append(
                (
                    cell(name) if number == 0 else "",
                    cell(change.name.replace("_", " ")),
                    _value(change.name, change.before, settings),
                    _value(change.name, change.after, settings),
                    cell(change.source),
                )
            )
    yield from table(("Person", "Field", "Before", "After", "By source"), rows)
    if findings.people_count > shown:
        yield from ("", f"... and {findings.people_count - shown:,} more.")
    yield ""


def _value(name: str, value: str | None, settings: Settings) -> str:
    if not value:
        return "*empty*"
    return cell(str(value) if settings.shows_contacts else mask_field(name, str(value)))


def _further(outcome: Outcome, settings: Settings) -> Iterator[str]:
    yield from ("", "## To look further", "")
    if outcome.counts.rejected and outcome.status == "done":
        address = rejects_address(outcome.import_id, settings)
        yield f"- [The rejected rows as CSV]({address}), to correct and import again"
    yield from ("", "```", f"leadfold show {outcome.import_id}")
    if outcome.counts.rejected:
        yield f"leadfold rejects {outcome.import_id}"
    if outcome.status == "done":
        yield f"leadfold undo {outcome.import_id} --dry-run"
    yield "```"


def rejects_address(import_id: str, settings: Settings) -> str:
    """Where the file server gives the rejected rows of an import."""
    host = socket.gethostname() if settings.ui_host in ("0.0.0.0", "::") else settings.ui_host
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}:{settings.files_port}/rejects/{import_id}.csv"
