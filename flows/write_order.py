"""In which order a plan is written: what gives something free comes before what takes it."""

from collections.abc import Iterator

from contracts import people_tables as tables
from contracts.people_tables import Table
from contracts.registry import load_tables
from transforms.planned_rows import Action

# What gives a claim or a phone free comes before what takes it. People and leads of lone records
# may come before all of it (flows.ahead): what they claim nobody holds.
PEOPLE_ORDER: tuple[tuple[Table, Action], ...] = (
    (tables.IDENTITIES, "delete"),
    (tables.IDENTITIES, "update"),
    (tables.PERSONAS, "delete"),
    (tables.PERSONAS, "update"),
    (tables.PERSONAS, "insert"),
    (tables.IDENTITIES, "insert"),
    (tables.LEADS, "delete"),
    (tables.LEADS, "update"),
    (tables.LEADS, "insert"),
    (tables.LEAD_VERSIONS, "insert"),
    (tables.PERSONA_VERSIONS, "insert"),
    (tables.MERGE_CANDIDATES, "delete"),
    (tables.MERGE_CANDIDATES, "update"),
    (tables.MERGE_CANDIDATES, "insert"),
    (tables.OPT_OUTS, "delete"),
    (tables.OPT_OUTS, "insert"),
    (tables.LEAD_ACTIVITIES, "delete"),
    (tables.LEAD_ACTIVITIES, "insert"),
    (tables.UNDONE_LEADS, "delete"),
    (tables.UNDONE_LEADS, "insert"),
    (tables.LEAD_MOVES, "insert"),
    (tables.IDENTITY_VERSIONS, "insert"),
    (tables.ROW_VERSIONS, "insert"),
)
"""What is written of people."""


def list_order() -> Iterator[tuple[Table, Action]]:
    """People, then keyed tables, who is referred to before who refers."""
    yield from PEOPLE_ORDER
    yield tables.ROW_STATEMENTS, "insert"
    keyed = [table.as_table for table in load_tables().values()]
    yield from ((table, "delete") for table in reversed(keyed))
    yield from ((table, "update") for table in keyed)
    yield from ((table, "insert") for table in keyed)
