"""How tables that an application has already are brought under keys: what ``leadfold adopt`` reads.

A table of contacts or leads gets the keys that its owner chooses; a table of the data model gets
that of its contract.
"""

from collections.abc import Iterator
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from contracts.errors import ContractError
from contracts.registry import load_tables
from contracts.strict import Strict, hint_near, read_contract, tell_faults

CONTACTS = "contacts"
"""The contract of a table of people that has no contract of its own."""

OFFERED_KEYS: tuple[tuple[str, ...], ...] = (
    ("phone", "workspace"),
    ("device_id", "phone"),
    ("device_id", "phone", "niche"),
    ("user_id", "phone"),
)
"""The keys that such tables are held to in the field."""

TABLE_NAMES = ("contacts", "leads", "people", "persons", "customers", "prospects")
"""How tables of people are called."""

COLUMN_NAMES: dict[str, tuple[str, ...]] = {
    "phone": ("phone", "phone_number", "mobile", "mobile_phone", "normalized_phone"),
    "workspace": ("workspace_id", "workspace", "team_id", "account_id", "organization_id"),
    "device_id": ("device_id",),
    "user_id": ("user_id", "owner_id"),
    "niche": ("niche",),
}
"""What is in a key -> how its column is called, the likeliest name first."""

NEWEST_NAMES = ("last_activity_at", "last_seen_at", "last_contacted_at", "updated_at")
OLDEST_NAMES = ("created_at", "inserted_at", "created", "created_on")


class TableMapping(Strict):
    """What is to become of one table.

    Attributes:
        contract: ``contacts``, or a table of the data model.
        columns: What a key names -> the table's column; equal names need no line.
        newest_by: The column that tells a row's newest activity; empty: there is none.
        oldest_by: The column that tells since when a row is there; empty: there is none.
        keys: Of ``contacts``: the keys that are to be unique, in the order in which they are
            cleaned.
        fill: Of ``contacts``: which blanks of the row that stays are filled from the others.
        references: ``table.column``s that hold ids of the table without a foreign key.
    """

    contract: str = CONTACTS
    columns: dict[str, str] = Field(default_factory=dict)
    newest_by: str = ""
    oldest_by: str = ""
    keys: tuple[tuple[str, ...], ...] = ()
    fill: Literal["all", "none"] | tuple[str, ...] = "all"
    references: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_sound(self) -> "TableMapping":
        if self.contract == CONTACTS:
            if not self.keys or not all(self.keys):
                raise ValueError("'keys' is needed: which columns are to be unique together")
        elif self.contract not in load_tables():
            known = (CONTACTS, *load_tables())
            raise ValueError(
                f"there is no contract '{self.contract}'.{hint_near(self.contract, known)}"
                f" There are: {', '.join(known)}"
            )
        elif self.keys or self.fill != "all":
            raise ValueError(f"'keys' and 'fill' are what the contract '{self.contract}' says")
        if len(set(self.keys)) < len(self.keys):
            raise ValueError("'keys' names a key twice")
        return self


class Mapping(Strict):
    """Table (``schema.table``, or of schema public the name alone) -> what is to become of it."""

    tables: dict[str, TableMapping] = Field(min_length=1)

    def by_full_name(self) -> Iterator[tuple[str, TableMapping]]:
        """The tables, each with its schema."""
        for name, table in self.tables.items():
            yield name if "." in name else f"public.{name}", table


def parse_mapping(text: str, origin: str) -> Mapping:
    """Read a mapping.

    Args:
        text: The YAML.
        origin: The file's name, for the message.

    Raises:
        ContractError: It is no YAML, or says what no mapping can say; the message names the key.
    """
    try:
        return Mapping.model_validate(read_contract(text, origin))
    except ValidationError as error:
        raise ContractError(f"{origin} is not a mapping:\n{tell_faults(error)}") from error


def write_mapping(mapping: Mapping) -> str:
    """The YAML of a mapping, for its owner to change."""
    said: dict[str, Any] = mapping.model_dump(mode="json", exclude_defaults=True)
    for name, table in said["tables"].items():
        said["tables"][name] = {"contract": mapping.tables[name].contract, **table}
    text = yaml.safe_dump(said, sort_keys=False, default_flow_style=None, width=100)
    return (
        "# What leadfold adopt is to make unique. Strike out what shall not be, and run\n"
        "#   leadfold adopt --mapping THIS_FILE\n" + text
    )
