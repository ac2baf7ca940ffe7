"""The contracts that there are: one YAML file in a folder of ``contracts`` adds one."""

from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any, TypeVar

from pydantic import ValidationError

from contracts.errors import ContractError, WrongCallError
from contracts.keyed import KeyedTable, in_order
from contracts.policy import Policy
from contracts.source import Source
from contracts.strict import hint_near, read_contract, tell_faults
from contracts.table_sources import check_tables, make_source

Contract = TypeVar("Contract", Source, Policy, KeyedTable)

_FOLDERS: dict[type, str] = {Source: "sources", Policy: "policies", KeyedTable: "tables"}
_WORDS: dict[type, str] = {
    Source: "source contract",
    Policy: "policy",
    KeyedTable: "table contract",
}
# What merges key by key with what is extended; anything else replaces it.
_MERGED: dict[type, tuple[str, ...]] = {
    Source: ("columns", "tables"),
    Policy: ("guards", "survive"),
    KeyedTable: ("columns",),
}


def parse_source(text: str, origin: str) -> Source:
    """Read one contract that extends no other.

    Args:
        text: The YAML.
        origin: The file's name, for the message.

    Raises:
        ContractError: The YAML is broken or says what a contract cannot say; the message
            names the file, the key and what was expected.
    """
    return _validate(Source, read_contract(text, origin), origin)


def parse_policy(text: str, origin: str = "the policy in effect") -> Policy:
    """Read one policy that extends no other; JSON is YAML, too.

    Raises:
        ContractError: As for ``parse_source``.
    """
    return _validate(Policy, read_contract(text, origin), origin)


@cache
def load_sources() -> dict[str, Source]:
    """Every source by name, in alphabetical order.

    A keyed table that no contract is called after has a source of its own, whose columns are called
    as those of the table.

    Raises:
        ContractError: A contract is wrong, or its name is not its file's name.
    """
    written = build_sources(_texts(Source))
    tables = load_tables()
    made = {name: make_source(table, tables, written["generic"]) for name, table in tables.items()}
    sources = made | written
    return {name: sources[name] for name in sorted(sources)}


@cache
def load_tables() -> dict[str, KeyedTable]:
    """Every keyed table by name, each after those that it refers to.

    Raises:
        ContractError: A contract is wrong, or its name is not its file's name.
    """
    return build_tables(_texts(KeyedTable))


def build_tables(texts: dict[str, str]) -> dict[str, KeyedTable]:
    """As ``build_sources``; ``columns`` merge key by key.

    Raises:
        ContractError: As there; also when a table refers to one that is not there.
    """
    try:
        return {table.name: table for table in in_order(_build(KeyedTable, texts))}
    except ValueError as error:
        raise ContractError(f"contracts/tables: {error}") from None


@cache
def load_policies() -> dict[str, Policy]:
    """Every policy by name, in alphabetical order.

    Raises:
        ContractError: A policy is wrong, or its name is not its file's name.
    """
    return build_policies(_texts(Policy))


def build_sources(texts: dict[str, str]) -> dict[str, Source]:
    """Sources from the YAML texts of their files, each with what it extends filled in.

    ``extend: other`` takes everything of that contract; ``columns`` merge field by field, any
    other key replaces.

    Raises:
        ContractError: As for ``parse_source``; also when ``extend`` names no contract, or
            leads round in a circle.
    """
    sources = _build(Source, texts)
    for name, source in sources.items():
        try:
            check_tables(source, load_tables())
        except ValueError as error:
            raise ContractError(f"{_origin(Source, name)}: {error}") from None
    return sources


def build_policies(texts: dict[str, str]) -> dict[str, Policy]:
    """As ``build_sources``; ``guards`` and ``survive`` merge key by key."""
    return _build(Policy, texts)


def load_source(name: str) -> Source:
    """The source of that name.

    Raises:
        WrongCallError: There is none; the message names the nearest and all.
    """
    sources = load_sources()
    if name in sources:
        return sources[name]
    raise _unknown("source", name, sources)


def load_policy(name: str) -> Policy:
    """The policy of that name, as its file says now.

    Raises:
        WrongCallError: There is none; the message names the nearest and all.
    """
    policies = load_policies()
    if name in policies:
        return policies[name]
    raise _unknown("policy", name, policies)


def _unknown(thing: str, name: str, known: Iterable[str]) -> WrongCallError:
    hint = hint_near(name, known)
    title = {"source": "Sources", "policy": "Policies"}[thing]
    return WrongCallError(f"Unknown {thing} '{name}'.{hint} {title}: {', '.join(known)}.")


def _texts(model: type) -> dict[str, str]:
    folder = resources.files("contracts") / _FOLDERS[model]
    return {
        entry.name.removesuffix(".yaml"): entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    }


def _build(model: type[Contract], texts: dict[str, str]) -> dict[str, Contract]:
    said = {name: read_contract(text, _origin(model, name)) for name, text in texts.items()}
    contracts: dict[str, Contract] = {}
    for name in sorted(said):
        origin = _origin(model, name)
        contract = _validate(model, _extended(model, name, said, (name,)), origin)
        if contract.name != name:
            raise ContractError(f"{origin}: name is '{contract.name}', the file says otherwise.")
        contracts[name] = contract
    return contracts


def _origin(model: type, name: str) -> str:
    return f"contracts/{_FOLDERS[model]}/{name}.yaml"


def _extended(model: type, name: str, said: dict[str, Any], path: tuple[str, ...]) -> Any:
    own = said[name]
    if not isinstance(own, dict) or "extend" not in own:
        return own
    base_name = own["extend"]
    origin = _origin(model, name)
    if base_name not in said:
        raise ContractError(f"{origin}: extend: there is no contract '{base_name}'.")
    if base_name in path:
        circle = " -> ".join((*path, base_name))
        raise ContractError(f"{origin}: extend: goes round in a circle: {circle}.")
    base = _extended(model, base_name, said, (*path, base_name))
    if not isinstance(base, dict):
        raise ContractError(f"{origin}: extend: '{base_name}' is not a contract itself.")
    merged = {**base, **{key: value for key, value in own.items() if key != "extend"}}
    for key in _MERGED[model]:
        both = [each[key] for each in (base, own) if each.get(key)]
        if len(both) == 2 and all(isinstance(each, dict) for each in both):
            merged[key] = {**both[0], **both[1]}
        elif both:
            merged[key] = both[-1]
    return merged


def _validate(model: type[Contract], said: Any, origin: str) -> Contract:
    try:
        return model.model_validate(said)
    except ValidationError as error:
        told = f"{origin} is not a {_WORDS[model]}:\n{tell_faults(error)}"
        raise ContractError(told) from error
