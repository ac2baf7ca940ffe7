"""What people see of ``leadfold rules test``."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType

from flows.rules_test import Taken
from flows.terminal import make_table, text_of


def taken_lines(found: Sequence[Taken]) -> Iterator[RenderableType]:
    """A row for each rule, in their order."""
    table = make_table()
    table.add_column("rule", justify="right", no_wrap=True)
    table.add_column("when", overflow="fold")
    table.add_column("board", no_wrap=True)
    table.add_column("rows", justify="right", no_wrap=True)
    for each in found:
        number = "" if each.rule is None else str(each.rule)
        table.add_row(number, text_of(each.when), text_of(each.board), f"{each.rows:,}")
    yield table
    if all(each.rule is None and not each.board for each in found):
        yield text_of("There are no rules for this team in rules.yaml.")
