"""What Postgres is to refuse twice: the keys of people and of every keyed table."""

from dataclasses import dataclass, field

from contracts.registry import load_tables


@dataclass(frozen=True)
class Key:
    """Columns whose values stand in one row of a table.

    Attributes:
        table: The table.
        columns: The columns, ``team_id`` first where each team has values of its own.
        index: The unique index that refuses a second row.
        where: Column -> value (None: null) of the rows that the index is about.
        made_of: Column that Postgres fills -> the column that it is made of, and what that says
            with ``{}`` in the place of the value.
    """

    table: str
    columns: tuple[str, ...]
    index: str
    where: dict[str, str | None]
    made_of: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def is_shared(self) -> bool:
        """Whether the values are one row's among all teams."""
        return "team_id" not in self.columns


_OF_PEOPLE = (
    Key(
        "leads",
        ("team_id", "source_record_id", "source_file"),
        "leads_source_record_unique_idx",
        {},
    ),
    Key(
        "leads",
        ("team_id", "integration_id", "external_id"),
        "leads_integration_external_unique_idx",
        {},
        {
            "integration_id": ("source_file", "integration:{}"),
            "external_id": ("source_record_id", "{}"),
        },
    ),
    Key(
        "identities",
        ("team_id", "kind", "value"),
        "identities_exclusive_unique_idx",
        {"is_exclusive": "true"},
    ),
    Key(
        "personas",
        ("team_id", "phone"),
        "personas_phone_unique_idx",
        {"is_phone_exclusive": "true", "merged_into": None},
    ),
)


def list_keys() -> tuple[Key, ...]:
    """Every key; those of people first."""
    return (
        *_OF_PEOPLE,
        *(
            Key(
                table.name,
                table.key if table.is_shared else ("team_id", *table.key),
                table.index,
                dict(table.where),
            )
            for table in load_tables().values()
        ),
    )
