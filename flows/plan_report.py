"""What people see of a plan: counts in words, a sample of changes, and what is held back."""

from collections.abc import Iterator, Mapping, Sequence

from rich.console import RenderableType
from rich.text import Text

from contracts.guards import WORDS
from contracts.registry import load_tables
from flows.jobs import Outcome
from flows.ledger import Import
from flows.terminal import make_table, text_of, visible
from transforms.plan_changes import Change, Changes, FieldCount, Sample

# Each kind of change in words: the heading of its count and of its sample.
LABELS = {
    ("persona", "update"): "people who change",
    ("persona", "insert"): "new people",
    ("persona", "merge"): "people who are merged into another",
    ("persona", "split"): "people who are taken out of another again",
    ("persona", "remove"): "people of whom nothing is left",
    ("persona", "delete"): "people whom no source has any more",
    ("lead", "insert"): "new records",
    ("lead", "update"): "records that change",
    ("lead", "delete"): "records that their source has deleted",
    ("lead", "restate"): "records that go back to what else is said of them",
    ("lead", "restore"): "records that come back",
    ("lead", "remove"): "records of which nothing is left",
    ("lead", "merge"): "records that go to another person",
    ("lead", "skip"): "records left as they are",
    ("candidate", "hold"): "pairs of people who may be one, kept apart",
    ("claim", "insert"): "phones, emails and ids that people get",
    ("claim", "update"): "phones, emails and ids shared from now on, or no longer",
    ("claim", "delete"): "phones, emails and ids that people lose",
    ("claim", "hold"): "phones, emails and ids held back",
    ("opt_out", "insert"): "new opt-outs",
    ("opt_out", "delete"): "opt-outs withdrawn",
}
_ROW_LABELS = {"insert": "new", "update": "changed", "delete": "removed"}
_SAMPLE_LABELS = {("lead", "insert"): "new records that meet a person by phone, email or id"}
_FOUND_BY = {"source_record": "known record", "crm_id": "CRM id"}
_OF_CLAIMS = (WORDS["shared_value"], WORDS["claim_taken"])
_LONGEST_VALUE = 40
_MOST_KEPT = 20


def plan_lines(outcome: Outcome) -> Iterator[RenderableType]:
    """What a dry run tells beside the summary: counts, fields, and some changes of each kind."""
    changes = outcome.changes
    if changes is None:
        return
    yield text_of(f"\n{outcome.file_name} (dry run): nothing was written.", style="bold")
    counts = count_lines(changes)
    if not counts:
        yield Text("Nothing would change either.")
        return
    yield Text()
    yield _counts_table(counts)
    if changes.fields:
        yield Text()
        yield _fields_table(changes.fields)
    for (what, action), label in label_kinds(changes).items():
        samples = [each for each in changes.samples if _kind(each.first) == (what, action)]
        if samples:
            yield Text()
            label = _SAMPLE_LABELS.get((what, action), label)
            yield _samples_table(label, samples)


def kept_lines(kept: Sequence[Mapping[str, str]]) -> Iterator[RenderableType]:
    """What an undo could not take back, and why (``transforms.undo.list_kept``)."""
    if not kept:
        return
    yield Text(f"\nNot taken back: {len(kept):,}", style="bold")
    table = make_table()
    for column in ("who", "what", "stays", "why"):
        table.add_column(column, overflow="fold")
    for each in kept[:_MOST_KEPT]:
        who = each["name"] or each["id"]
        table.add_row(*(text_of(part) for part in (who, each["field"], each["value"], each["why"])))
    yield table
    if len(kept) > _MOST_KEPT:
        yield Text(f"... and {len(kept) - _MOST_KEPT:,} more; all of them with --json.")


def label_kinds(changes: Changes) -> dict[tuple[str, str], str]:
    """Each kind of change in words: those of people, then those of keyed tables."""
    tables = [name for name in load_tables() if name in changes.counts]
    return LABELS | {
        (name, action): f"{name.replace('_', ' ')}, {word}"
        for name in tables
        for action, word in _ROW_LABELS.items()
    }


def count_lines(changes: Changes) -> list[tuple[str, int]]:
    """How much changes, in words; what is held back, by its guard."""
    lines = []
    for (what, action), label in label_kinds(changes).items():
        if count := changes.counts.get(what, {}).get(action, 0):
            lines.append((label, count))
        if action == "hold":
            held = sorted((WORDS[guard], n) for guard, n in changes.held.items())
            lines += [
                (f"  {words}", n) for words, n in held if (words in _OF_CLAIMS) == (what == "claim")
            ]
    return lines


def remarks(entry: Import, held: Mapping[str, int]) -> list[str]:
    """What else people should know of an import that is done.

    Args:
        entry: The import.
        held: Guard -> how many pairs and values it noted for people to look at.
    """
    told = []
    pairs = {guard: count for guard, count in held.items() if guard != "shared_value"}
    if pairs:
        causes = ", ".join(f"{WORDS.get(guard, guard)} {n:,}" for guard, n in pairs.items())
        told.append(f"{_counted(sum(pairs.values()), 'pair')} of people may be one: {causes}.")
    if shared := held.get("shared_value"):
        told.append(
            f"{_counted(shared, 'value')} (a phone or email) of too many people identify nobody."
        )
    if entry.undone_by_import_id:
        told.append(f"It is undone, by {entry.undone_by_import_id}.")
    if entry.records_missing and not entry.reason:
        told.append(f"{_counted(entry.records_missing, 'record')} missing from the snapshot ended.")
    if conflicts := sum(entry.conflicts.values()):
        causes = ", ".join(f"{name} {count:,}" for name, count in sorted(entry.conflicts.items()))
        told.append(f"Others wrote meanwhile, so it was planned again: {conflicts:,} x ({causes}).")
    return told


def _counts_table(lines: Sequence[tuple[str, int]]) -> RenderableType:
    table = make_table()
    table.add_column("what would change", no_wrap=True)
    table.add_column("count", justify="right", no_wrap=True)
    for label, count in lines:
        table.add_row(label, f"{count:,}")
    return table


def _fields_table(fields: Sequence[FieldCount]) -> RenderableType:
    table = make_table("fields of people who change")
    for label in ("filled", "replaced", "emptied"):
        table.add_column(label, justify="right", no_wrap=True)
    for each in fields:
        table.add_row(each.field, f"{each.filled:,}", f"{each.replaced:,}", f"{each.emptied:,}")
    return table


def _samples_table(label: str, samples: Sequence[Sample]) -> RenderableType:
    table = make_table()
    table.add_column("line", justify="right", no_wrap=True, min_width=4)
    table.add_column(f"{label}, for example", overflow="fold")
    width = max(len(change.field or "") for each in samples for change in each.changes)
    for each in samples:
        line = f"{each.first.line_no}" if each.first.line_no else ""
        table.add_row(line, text_of("\n".join(_told(each, width))))
    return table


def _told(sample: Sample, width: int) -> Iterator[str]:
    """One change in lines: who, and each field before and after, with what decided."""
    first = sample.first
    name, after, why = _flat(first.name), _flat(first.after), _flat(first.why)
    if first.action == "hold":
        yield why
        return
    if first.what == "opt_out":
        yield ", ".join(filter(None, (name, f"{after} ({first.rule})")))
    elif first.field:
        yield name + _found(first)
        yield from (f"  {_field_line(change, width)}" for change in sample.changes)
        if more := sample.field_count - len(sample.changes):
            yield f"  and {more:,} more"
    elif first.what == "lead" and after:
        yield name + _found(first)
        yield f"  {after}"
    else:
        yield after or name
    if why:
        yield f"  {why}"


def _field_line(change: Change, width: int) -> str:
    cause = f" ({change.rule}, {change.source})" if change.rule and change.source else ""
    return f"{change.field or '':{width}}  {_value(change.before)} -> {_value(change.after)}{cause}"


def _value(value: str | None) -> str:
    flat = _flat(value)
    if value is None:
        return "empty"
    return flat if len(flat) <= _LONGEST_VALUE else flat[: _LONGEST_VALUE - 3] + "..."


def _flat(text: str | None) -> str:
    return " ".join(visible(text or "").split())


def _found(change: Change) -> str:
    by = change.found_by or ""
    return f", found by {_FOUND_BY.get(by, by)}" if by not in ("", "new") else ""


def _kind(change: Change) -> tuple[str, str]:
    return change.what, change.action


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
