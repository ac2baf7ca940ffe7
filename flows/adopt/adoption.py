"""What is to become of each table: its keys, which row of a group stays, what it takes over."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from psycopg import sql

from contracts.adoption import (
    COLUMN_NAMES,
    CONTACTS,
    NEWEST_NAMES,
    OFFERED_KEYS,
    OLDEST_NAMES,
    TABLE_NAMES,
    TableMapping,
)
from contracts.adoption import Mapping as TableMappings
from contracts.errors import WrongCallError
from contracts.keyed import KeyedTable
from contracts.registry import load_tables
from contracts.strict import hint_near
from flows.adopt.merging import FILL, Merge, list_merges
from flows.adopt.ranking import Ranking, rank_by_completeness, rank_by_contract
from flows.adopt.schema import ExistingTable, Reference
from flows.adopt.statements import listed


@dataclass(frozen=True)
class AdoptedKey:
    """Columns of an existing table that are to be unique together.

    Attributes:
        table: The table.
        columns: Its columns.
        index: The unique index that is to refuse a second row.
        where: Column -> value of the rows that the key is about; history is no duplicate.
        is_of_contract: Whether a contract of the data model says so; such a key has no blank texts.
    """

    table: ExistingTable
    columns: tuple[str, ...]
    index: str
    where: Mapping[str, str]
    is_of_contract: bool

    @property
    def name(self) -> str:
        """What people read."""
        return f"{self.table.full_name} ({', '.join(self.columns)})"

    def covers(self, row: str) -> sql.Composed:
        """Whether the key is about a row, called ``row`` in the statement: nothing is blank.

        As the index has it: a text of contacts that is empty is blank, and one of a contract is a
        value.
        """
        filled = [
            self.table.columns[name].is_filled(row)
            if self.table.columns[name].category == "S" and not self.is_of_contract
            else sql.SQL("({} IS NOT NULL)").format(sql.Identifier(row, name))
            for name in self.columns
        ]
        return sql.SQL(" AND ").join([*filled, *self._wants(row)])

    def _wants(self, row: str) -> list[sql.Composed]:
        return [
            sql.SQL("coalesce({}::text = {}, false)").format(
                sql.Identifier(row, name), sql.Literal(value)
            )
            for name, value in self.where.items()
        ]

    @property
    def groups(self) -> sql.Composed:
        """A query of the values that several rows have, and how ``many`` rows."""
        columns = listed("t", self.columns)
        return sql.SQL(
            "SELECT {}, count(*) AS many FROM {} AS t WHERE {} GROUP BY {} HAVING count(*) > 1"
        ).format(columns, self.table.identifier, self.covers("t"), columns)

    @property
    def predicate(self) -> sql.Composable:
        """Which rows the index is about, as its WHERE says it; empty: all."""
        if self.is_of_contract:
            tests: list[sql.Composable] = [
                sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value))
                for name, value in self.where.items()
            ]
        else:
            tests = [
                sql.SQL("{} <> ''").format(sql.Identifier(name))
                for name in self.columns
                if self.table.columns[name].category == "S"
            ]
        return sql.SQL(" WHERE ") + sql.SQL(" AND ").join(tests) if tests else sql.SQL("")

    @cached_property
    def is_in_force(self) -> bool:
        """Whether Postgres keeps the key already."""
        return any(
            each.is_unique
            and each.is_valid
            and set(each.columns) == set(self.columns)
            and self.is_as_wide(each.predicate)
            for each in self.table.indexes
        )

    def is_as_wide(self, predicate: str) -> bool:
        """Whether an index of that predicate is about all rows that the key is about.

        Known are the tests that we write ourselves, as Postgres shows them.
        """
        tests = predicate.split(" AND ") if predicate else []
        return all(self._is_own(test.strip("()")) for test in tests)

    def _is_own(self, test: str) -> bool:
        name, operator, value = (*re.split(r" (<>|=) ", test, maxsplit=1), "", "")[:3]
        name = re.sub(r"\)?::[\w ]+$", "", name).strip('()"')
        value = re.sub(r"::[\w ]+$", "", value).strip("()")
        if operator == "<>":
            return value == "''" and name in self.columns and not self.is_of_contract
        return operator == "=" and value == f"'{self.where.get(name)}'"


@dataclass(frozen=True)
class Adoption:
    """All that is to become of one table.

    Attributes:
        table: The table.
        contract: ``contacts``, or a table of the data model.
        keys: In the order in which they are cleaned.
        ranking: Which row of a group stays.
        merges: What the row that stays takes over from the others.
        references: What refers to its rows.
        phone: Of contacts: the column of a key that holds a phone; empty: none does.
    """

    table: ExistingTable
    contract: str
    keys: tuple[AdoptedKey, ...]
    ranking: Ranking
    merges: tuple[Merge, ...]
    references: tuple[Reference, ...]
    phone: str = ""


def propose(tables: Iterable[ExistingTable]) -> TableMappings | None:
    """What the tables look like by their names; None: like nothing that we know."""
    found: dict[str, TableMapping] = {}
    for table in tables:
        name = table.full_name.removeprefix("public.")
        contract = load_tables().get(table.name)
        if contract and set(_key_of(contract)) <= table.columns.keys():
            found[name] = TableMapping(contract=contract.name)
        elif table.name in TABLE_NAMES:
            columns = {
                ours: next((each for each in theirs if each in table.columns), "")
                for ours, theirs in COLUMN_NAMES.items()
            }
            keys = tuple(key for key in OFFERED_KEYS if all(columns[part] for part in key))
            used = {part for key in keys for part in key}
            if keys:
                found[name] = TableMapping(
                    columns={
                        ours: theirs
                        for ours, theirs in columns.items()
                        if ours in used and ours != theirs
                    },
                    newest_by=_first(NEWEST_NAMES, table),
                    oldest_by=_first(OLDEST_NAMES, table),
                    keys=keys,
                )
    return TableMappings(tables=found) if found else None


def _first(names: Sequence[str], table: ExistingTable) -> str:
    return next((name for name in names if name in table.columns), "")


def _key_of(contract: KeyedTable) -> tuple[str, ...]:
    return contract.key if contract.is_shared else ("team_id", *contract.key)


def resolve(
    mappings: TableMappings,
    tables: Mapping[str, ExistingTable],
    references: Sequence[Reference],
) -> list[Adoption]:
    """Find what a mapping names.

    Raises:
        WrongCallError: It names a table or column that is not there.
    """
    return [
        _resolve(mapping, _find_table(name, tables), tables, references)
        for name, mapping in mappings.by_full_name()
    ]


def _find_table(name: str, tables: Mapping[str, ExistingTable]) -> ExistingTable:
    if name not in tables:
        raise WrongCallError(f"There is no table '{name}'.{hint_near(name, tables)}")
    return tables[name]


def _find_column(table: ExistingTable, name: str) -> str:
    if name not in table.columns:
        hint = hint_near(name, table.columns)
        raise WrongCallError(f"{table.full_name} has no column '{name}'.{hint}")
    return name


def _resolve(
    mapping: TableMapping,
    table: ExistingTable,
    tables: Mapping[str, ExistingTable],
    references: Sequence[Reference],
) -> Adoption:
    def find(name: str) -> str:
        return _find_column(table, mapping.columns.get(name, name))

    incoming = [each for each in references if each.parent == table.oid]
    incoming += [_undeclared(each, table, tables) for each in mapping.references]
    newest = find(mapping.newest_by) if mapping.newest_by else ""
    oldest = find(mapping.oldest_by) if mapping.oldest_by else ""
    if mapping.contract == CONTACTS:
        keys = tuple(
            AdoptedKey(table, columns, _index_name(table, columns), {}, is_of_contract=False)
            for columns in (tuple(map(find, key)) for key in mapping.keys)
        )
        ranking = rank_by_completeness(table, newest, oldest)
        wanted = mapping.fill if isinstance(mapping.fill, tuple) else table.written_columns
        rules = {} if mapping.fill == "none" else {find(name): FILL for name in wanted}
        merges = list_merges(table, rules, keys_columns(keys), incoming)
        phone = find("phone") if any("phone" in key for key in mapping.keys) else ""
        return Adoption(table, CONTACTS, keys, ranking, merges, tuple(incoming), phone)
    contract = load_tables()[mapping.contract]
    columns = tuple(map(find, _key_of(contract)))
    where = {find(name): value for name, value in contract.where.items()}
    key = AdoptedKey(table, columns, contract.index, where, is_of_contract=True)
    names = {
        name: mapping.columns.get(name, name)
        for name in contract.columns
        if mapping.columns.get(name, name) in table.columns
    }
    clock = newest or names.get(contract.clock, "") or _first(("stated_at", "updated_at"), table)
    since = oldest or _first(OLDEST_NAMES, table)
    ranking = rank_by_contract(table, contract, names, clock, since)
    rules = (
        {names[name]: contract.columns[name] for name in names}
        if contract.on_conflict == "merge"
        else {}
    )
    merges = list_merges(table, rules, keys_columns((key,)), incoming, clock, since)
    return Adoption(table, contract.name, (key,), ranking, merges, tuple(incoming))


def keys_columns(keys: Iterable[AdoptedKey]) -> set[str]:
    """The columns of all of them."""
    return {name for key in keys for name in key.columns}


def _index_name(table: ExistingTable, columns: Sequence[str]) -> str:
    return shorten(f"{table.name}_{'_'.join(columns)}_unique_idx")


def shorten(name: str) -> str:
    """A name that Postgres does not cut off, and that no longer one shares."""
    if len(name.encode()) <= 63:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name.encode()[:54].decode(errors='ignore')}_{digest}"


def _undeclared(said: str, parent: ExistingTable, tables: Mapping[str, ExistingTable]) -> Reference:
    """A reference that no foreign key tells of: ``table.column`` or ``schema.table.column``."""
    name, _, column = said.rpartition(".")
    if not name:
        raise WrongCallError(f"references: '{said}' is no table.column")
    child = _find_table(name if "." in name else f"public.{name}", tables)
    _find_column(child, column)
    if len(parent.primary_key) != 1:
        raise WrongCallError(f"references: {parent.full_name} has no id of one column.")
    label = shorten(f"{child.name}_{column}")
    return Reference(label, child, (column,), parent.oid, parent.primary_key, is_declared=False)
