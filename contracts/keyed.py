"""KeyedTable: a table whose rows files state by a key, such as businesses or messages.

People have leads, claims and survivorship (``contracts.people``). Everything else that arrives in
files is a row that a key tells apart, so that a retry or a second upload never doubles it.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    field_validator,
    model_validator,
)

from contracts.people_tables import Table
from contracts.strict import Strict

PERSONAS, LEADS = "personas", "leads"
"""What a reference may be to besides keyed tables."""

Kind = Literal[
    "id",
    "text",
    "phone",
    "email",
    "number",
    "integer",
    "time",
    "yes_no",
    "json",
    "word",
    "reference",
    "source",
    "source_file",
]
Rule = Literal["newest", "oldest", "highest", "forward"]

# Columns of every table, and what travels beside a row's own.
_TAKEN = (
    *("team_id", "import_id", "created_at", "updated_at", "edited_fields", "stated_at"),
    *("row_key", "row_id", "version", "is_own", "has_statements", "seq", "line_no", "action"),
)
_NAME = r"^[a-z][a-z0-9_]{0,62}$"


class Column(Strict):
    """One column of a keyed table.

    Attributes:
        kind: ``id``: kept as written. ``phone``: E.164. ``number``, ``integer``: plain digits.
            ``time``: UTC. ``yes_no``. ``json``: any JSON text. ``word``: one of ``words``.
            ``reference``: the id of a row of ``to``. ``source``: what the cell says, else the name
            of the source, unless that is the table's own. ``source_file``: the logical file; no
            cell fills it.
        is_required: A row without it is no row of the table.
        is_made: A blank gets a hash of the row, as a record without an id does.
        is_computed: The import fills it, by what became of the row; no cell does.
        default: What a row says whose cell is blank.
        words: Of a ``word``: the vocabulary, in order; words of one rank stand in a list.
        to: Of a ``reference``: ``personas``, ``leads``, or a keyed table.
        by: Of a reference to a keyed table: the column of that table which the cell names, or,
            where that is a reference itself, which the row's own reference to the same is. Ids are
            taken, too.
        on_erase: Of a reference to somebody who is erased: the row is ``deleted`` with them, or
            ``released``: it stays, and refers to nobody.
        merge: Which of several statements gives the value: the ``newest`` by the clock; the
            ``oldest``, so that only blanks are filled; the ``highest`` number; ``forward``: the
            word that stands last in the vocabulary, of one rank the oldest.
    """

    kind: Kind
    is_required: bool = False
    is_made: bool = False
    is_computed: bool = False
    default: str = ""
    words: tuple[str | tuple[str, ...], ...] = ()
    to: str = ""
    by: str = ""
    on_erase: Literal["deleted", "released"] = "deleted"
    merge: Rule = "newest"

    @model_validator(mode="after")
    def _is_sound(self) -> "Column":
        for name, kind in (("words", "word"), ("to", "reference")):
            if bool(getattr(self, name)) != (self.kind == kind):
                raise ValueError(f"'{name}' belongs to kind '{kind}', and is needed there")
        if self.by and self.kind != "reference":
            raise ValueError("'by' belongs to kind 'reference'")
        if self.on_erase == "released" and (self.kind != "reference" or self.is_required):
            raise ValueError("'released' belongs to references that a row can be without")
        if self.is_made and self.kind != "id":
            raise ValueError("'is_made' belongs to kind 'id'")
        if self.merge == "highest" and self.kind not in ("number", "integer"):
            raise ValueError("'highest' belongs to kinds 'number' and 'integer'")
        if self.merge == "forward" and self.kind != "word":
            raise ValueError("'forward' belongs to kind 'word'")
        if self.default and self.kind == "word" and self.default not in self.ranks:
            raise ValueError(f"default: '{self.default}' is none of its words")
        return self

    @property
    def ranks(self) -> dict[str, int]:
        """Each word of the vocabulary and its place in the order, from 0."""
        groups = ((each,) if isinstance(each, str) else each for each in self.words)
        return {word: rank for rank, group in enumerate(groups) for word in group}


class Preference(Strict):
    """Which of two rows of one key is the better one, by a column.

    Attributes:
        column: Whose value decides.
        prefer: ``highest``, or a value that is better than any other.
    """

    column: str
    prefer: str


def _as_column(value: Any) -> Any:
    """The short form: the kind alone."""
    return {"kind": value} if isinstance(value, str) else value


class KeyedTable(Strict):
    """One table of the data model.

    Attributes:
        name: Its name in Postgres, and of its YAML file.
        row: What people call one of its rows; ids begin with it.
        description: What a row is, in a sentence.
        key: The columns that tell rows apart, within a team.
        index: The unique index that refuses a second row of a key.
        where: Column -> value of the rows that the index covers; others are not loaded.
        is_shared: Whether the key tells rows apart among all teams, as the given data model has it.
        on_conflict: What a statement does to a row that is there. ``nothing``: nothing, the first
            stays. ``merge``: column by column, each by its rule. ``best``: the row is as its best
            statement says, by ``keep``.
        keep: Of several rows, or statements, of one key the first by these.
        clock: The column that says when a statement was made, else the source's ``updated_at``.
        columns: Its columns, but for the id, ``import_id`` and what every table has.
    """

    name: str = Field(pattern=_NAME)
    row: str = Field(pattern=_NAME)
    description: str
    key: tuple[str, ...] = Field(min_length=1)
    index: str = Field(pattern=_NAME)
    where: dict[str, str] = Field(default_factory=dict)
    is_shared: bool = False
    on_conflict: Literal["nothing", "merge", "best"]
    keep: tuple[Literal["newest", "oldest"] | Preference, ...] = Field(min_length=1)
    clock: str = ""
    columns: dict[str, Annotated[Column, BeforeValidator(_as_column)]]

    @field_validator("columns")
    @classmethod
    def _has_names_that_fit(cls, columns: dict[str, Column]) -> dict[str, Column]:
        for name in columns:
            if name in _TAKEN or not name.replace("_", "").isalnum() or name != name.lower():
                raise ValueError(f"'{name}' is no name for a column of its own")
        return columns

    @model_validator(mode="after")
    def _is_sound(self) -> "KeyedTable":
        named = {*self.key, *self.where, *filter(None, [self.clock])}
        named |= {each.column for each in self.keep if isinstance(each, Preference)}
        for name in sorted(named - self.columns.keys()):
            raise ValueError(f"'{name}' is not among the columns")
        for name in self.key:
            column = self.columns[name]
            if not (column.is_required or column.is_made or column.kind in _ALWAYS_THERE):
                raise ValueError(f"'{name}' is part of the key: say is_required or is_made")
        if self.clock and self.columns[self.clock].kind != "time":
            raise ValueError(f"clock: '{self.clock}' is no time")
        if self.id_column in self.columns:
            raise ValueError(f"'{self.id_column}' is the table's own id")
        return self

    @property
    def id_column(self) -> str:
        """The column of its ids."""
        return f"{self.row}_id"

    @property
    def cells(self) -> dict[str, Column]:
        """The columns that cells may fill."""
        return {
            name: column
            for name, column in self.columns.items()
            if not column.is_computed and column.kind != "source_file"
        }

    @property
    def is_log(self) -> bool:
        """Whether it tells what became of rows, so that rejected ones are in it, too."""
        return any(column.is_computed for column in self.columns.values())

    def references(self) -> Iterator[tuple[str, Column]]:
        """Columns that hold the id of another row."""
        return ((name, each) for name, each in self.columns.items() if each.kind == "reference")

    @property
    def as_table(self) -> Table:
        """What an upsert needs to know of it."""
        return Table(
            self.name,
            key=(self.id_column,),
            columns=(self.id_column, *self.columns, "stated_at", "import_id"),
            is_versioned=True,
            found_by=self.key,
            unique_index=self.index,
            is_keyed=True,
            # Two teams may bring keys of a shared table at once.
            written_by=("row_key",),
        )


_ALWAYS_THERE = ("source", "source_file")


def in_order(tables: dict[str, KeyedTable]) -> tuple[KeyedTable, ...]:
    """Tables so that each comes after those that it refers to, else by name.

    Raises:
        ValueError: One refers to a table or column that is not there, or they go round in a circle.
    """
    placed: dict[str, KeyedTable] = {}

    def place(name: str, path: tuple[str, ...]) -> None:
        if name in placed:
            return
        if name in path:
            raise ValueError(f"references go round in a circle: {' -> '.join((*path, name))}")
        for column, reference in tables[name].references():
            if reference.to in (PERSONAS, LEADS):
                continue
            target = tables.get(reference.to)
            if target is None:
                raise ValueError(f"{name}.{column}: there is no table '{reference.to}'")
            if reference.by and reference.by not in target.columns:
                raise ValueError(f"{name}.{column}: {target.name} has no column '{reference.by}'")
            place(target.name, (*path, name))
        placed[name] = tables[name]

    for name in sorted(tables):
        place(name, ())
    return tuple(placed.values())
