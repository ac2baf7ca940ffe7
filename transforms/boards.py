"""The board of each lead, by the rules of its team."""

import json

import polars as pl

from contracts.board_rules import ANY_TEXT, RULE_FIELDS, BoardRule, BoardRules
from contracts.source import Source
from transforms.relations import Work, append, ask, execute, run, statement
from transforms.work_tables import empty

TABLE = "boards"
"""The keyed table that mirrors the rules."""


def note_rules(work: Work, rules: BoardRules) -> None:
    """Make the macro ``board_no`` of ``RULE_FIELDS``, and ``board_rules``, its answers.

    Rules are numbered from 0; the default has the number behind the last; null: no rule takes the
    lead. What the rules say of their boards is added to ``said_rows`` and ``said_cells``.
    """
    cases = " ".join(
        f"when {_condition(rule)} then {number}" for number, rule in enumerate(rules.rules)
    )
    default = str(len(rules.rules)) if rules.default else "null::bigint"
    body = f"case {cases} else {default} end" if cases else default
    work.execute(
        f"create or replace macro board_no({', '.join(RULE_FIELDS)}) as ({body})"
    ).fetchall()
    named = [rule.board for rule in rules.rules] + ([rules.default] if rules.default else [])
    empty(work, "board_rules")
    append(
        work,
        "board_rules",
        pl.DataFrame(list(enumerate(named)), ["rule_no", "board_name"], orient="row"),
    )
    empty(work, "team_boards")


def say_boards(work: Work, rules: BoardRules) -> None:
    """Add what the rules say of their boards to what the file says of keyed tables.

    Their lines are below 0, so that no row of the file is taken for one of them.
    """
    lines = {name: -number for number, name in enumerate(rules.boards, start=1)}
    rows = pl.DataFrame({"line_no": list(lines.values())}, schema={"line_no": pl.Int64})
    cells = [
        (line, column, value)
        for name, line in lines.items()
        for column, value in {
            "name": name,
            "type": rules.types.get(name, "kanban"),
            "rules": json.dumps(
                rules.rules_of(name), sort_keys=True, separators=(",", ":"), ensure_ascii=False
            ),
        }.items()
    ]
    execute(work, "delete from said_rows where line_no < 0")
    execute(work, "delete from said_cells where line_no < 0")
    append(work, "said_rows", rows.select(table_name=pl.lit(TABLE), line_no="line_no"))
    columns = ["line_no", "column_name", "value"]
    long = pl.DataFrame(cells, columns, orient="row").with_columns(table_name=pl.lit(TABLE))
    append(work, "said_cells", long)


def name_boards(work: Work) -> None:
    """Fill ``team_boards``: rule -> name and id of its board, once the boards are planned."""
    run(work, "name_boards")


def count_assigned(work: Work) -> dict[str, int]:
    """Board -> how many new or changed leads the rules put on it."""
    return dict(
        ask(
            work,
            "select board_name, count(*) from plan_leads where action in ('insert', 'update')"
            " and board_name is not null group by all order by all",
        )
    )


def count_taken_rows(work: Work, source: Source) -> dict[int | None, int]:
    """Rule -> how many staged rows it takes; None: those that no rule takes."""
    lead_source = "webhook" if source.is_webhook else "import"
    counted = statement("count_taken_rows")
    return dict(ask(work, counted, source=source.name, lead_source=lead_source))


def _condition(rule: BoardRule) -> str:
    return " and ".join(
        f"coalesce({name}, '') <> ''"
        if ANY_TEXT in values
        else f"lower(trim({name})) in ({', '.join(map(_quoted, values))})"
        for name, values in rule.when.items()
    )


def _quoted(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"
