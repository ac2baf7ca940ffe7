"""What people see of ``leadfold verify``."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType

from flows.terminal import make_table, text_of
from flows.verified import Verified

_TOLD = {True: "yes", False: "no", None: "not tried"}


def verified_lines(found: Sequence[Verified]) -> Iterator[RenderableType]:
    """A row for each key, then what is wrong in sentences."""
    table = make_table("table", "key")
    for column in ("in force", "refuses twice", "other team", "other value"):
        table.add_column(column, no_wrap=True)
    table.add_column("duplicates", justify="right", no_wrap=True)
    for each in found:
        key = ", ".join(name for name in each.columns if name != "team_id")
        table.add_row(
            each.table,
            key,
            _TOLD[each.is_there and each.is_valid],
            _TOLD[each.refuses_duplicates],
            _TOLD[each.allows_other_teams]
            if each.is_adopted or "team_id" in each.columns
            else "shared",
            _TOLD[each.allows_other_values],
            f"{each.duplicates:,}",
        )
    yield table
    faults = [sentence for each in found for sentence in _list_faults(each)]
    yield text_of("")
    for sentence in faults:
        yield text_of(f"Wrong: {sentence}", style="red")
    if not faults:
        yield text_of(f"All {len(found):,} keys are in force, and no row stands there twice.")


def _list_faults(each: Verified) -> Iterator[str]:
    if each.is_well:
        return
    name = f"{each.table} ({each.index})"
    if not each.is_there:
        yield f"{name}: there is no such unique index. What it keeps out may come in."
    elif not each.is_valid:
        yield f"{name}: the index is not valid. REINDEX INDEX CONCURRENTLY {each.index};"
    if each.duplicates:
        yield f"{name}: {each.duplicates:,} rows too many: their key stands there already."
    if each.fault:
        yield f"{name}: could not be tried: {each.fault}."
        return
    if each.refuses_duplicates is False:
        yield f"{name}: a second row of one key was taken."
    if each.is_adopted:
        return
    if each.allows_other_teams != ("team_id" in each.columns):
        yield f"{name}: " + (
            "another team was refused a value that is free for it."
            if "team_id" in each.columns
            else "another team was given a value that only one may have."
        )
    if each.allows_other_values is False:
        yield f"{name}: another value was refused."
