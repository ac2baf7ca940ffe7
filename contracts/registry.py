"""The sources that there are: one YAML file in ``contracts/sources`` adds one."""

import difflib
from functools import cache
from importlib import resources
from typing import Any

import yaml
from pydantic import ValidationError

from contracts.errors import ContractError, WrongCallError
from contracts.source import Source

_FOLDER = "contracts/sources"


def parse_source(text: str, origin: str) -> Source:
    """Read one contract that extends no other.

    Args:
        text: The YAML.
        origin: The file's name, for the message.

    Raises:
        ContractError: The YAML is broken or says what a contract cannot say; the message
            names the file, the key and what was expected.
    """
    return _validate(_read(text, origin), origin)


@cache
def load_sources() -> dict[str, Source]:
    """Every source by name, in alphabetical order.

    Raises:
        ContractError: A contract is wrong, or its name is not its file's name.
    """
    folder = resources.files("contracts") / "sources"
    texts = {
        entry.name.removesuffix(".yaml"): entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    }
    return build_sources(texts)


def build_sources(texts: dict[str, str]) -> dict[str, Source]:
    """Sources from the YAML texts of their files, each with what it extends filled in.

    ``extend: other`` takes everything of that contract; ``columns`` merge field by field, any
    other key replaces.

    Raises:
        ContractError: As for ``parse_source``; also when ``extend`` names no contract, or
            leads round in a circle.
    """
    said = {name: _read(text, f"{_FOLDER}/{name}.yaml") for name, text in texts.items()}
    sources: dict[str, Source] = {}
    for name in sorted(said):
        origin = f"{_FOLDER}/{name}.yaml"
        source = _validate(_extended(name, said, (name,)), origin)
        if source.name != name:
            raise ContractError(f"{origin}: name is '{source.name}', the file says otherwise.")
        sources[name] = source
    return sources


def load_source(name: str) -> Source:
    """The source of that name.

    Raises:
        WrongCallError: There is none; the message names the nearest and all.
    """
    sources = load_sources()
    if name in sources:
        return sources[name]
    near = difflib.get_close_matches(name, sources, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    raise WrongCallError(f"Unknown source '{name}'.{hint} Sources: {', '.join(sources)}.")


def _read(text: str, origin: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ContractError(f"{origin}: not readable as YAML: {error}") from error


def _extended(name: str, said: dict[str, Any], path: tuple[str, ...]) -> Any:
    own = said[name]
    if not isinstance(own, dict) or "extend" not in own:
        return own
    base_name = own["extend"]
    origin = f"{_FOLDER}/{name}.yaml"
    if base_name not in said:
        raise ContractError(f"{origin}: extend: there is no contract '{base_name}'.")
    if base_name in path:
        circle = " -> ".join((*path, base_name))
        raise ContractError(f"{origin}: extend: goes round in a circle: {circle}.")
    base = _extended(base_name, said, (*path, base_name))
    columns = {**(base.get("columns") or {}), **(own.get("columns") or {})}
    return {**base, **{k: v for k, v in own.items() if k != "extend"}, "columns": columns}


def _validate(said: Any, origin: str) -> Source:
    try:
        return Source.model_validate(said)
    except ValidationError as error:
        faults = [
            f"  {'.'.join(str(part) for part in fault['loc']) or '(whole file)'}: {fault['msg']}"
            for fault in error.errors()
        ]
        raise ContractError(f"{origin} is not a source contract:\n" + "\n".join(faults)) from error
