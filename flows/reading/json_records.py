"""JSON texts as flat records: dotted path -> text.

A nested object's field is ``properties.email``, the first entry of a list ``phones.0``; a list of
objects gives ``phones.0.number``. Lists are indexed and never joined: a joined list cannot be
told from one text. A list of more than 50 entries stays one cell of JSON. Numbers keep the
digits that the file has (``4.10``, ``6285551234567890``). A key given twice in one object is
``key`` and ``key (2)``.
"""

import json
from collections.abc import Iterator

Flat = dict[str, str | None]

_MAX_ENTRIES = 50
# What APIs call the list of records; a lead's own list of phones is none.
_WRAPPERS = frozenset(
    ("results", "records", "data", "items", "contacts", "leads", "people", "rows", "value")
)


class Pairs(list[tuple[str, object]]):
    """A JSON object with its keys in order, none lost."""


class BrokenJsonError(ValueError):
    """A text that is no JSON; the message says where."""


def parse_json(text: str) -> object:
    """Parse a JSON text; numbers stay text, objects become `Pairs`.

    Raises:
        BrokenJsonError: The text is not JSON, or nested without end.
    """
    try:
        return _DECODER.decode(text.strip("\ufeff \t\r\n"))
    except json.JSONDecodeError as error:
        raise BrokenJsonError(f"{error.msg} at character {error.pos + 1}.") from error
    except RecursionError as error:
        raise BrokenJsonError("It is nested too deeply.") from error


def flatten(record: Pairs) -> Flat:
    """An object's values by dotted path."""
    flat: Flat = {}
    for path, text in _walk(record, ""):
        name, count = path, 1
        while name in flat:
            count += 1
            name = f"{path} ({count})"
        flat[name] = text
    return flat


def to_text(value: object) -> str | None:
    """A scalar as the file has it; an object or a list as JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(_plain(value), ensure_ascii=False)


def find_records(document: object, path: str | None) -> tuple[str, list[object]] | None:
    """The list of records in a JSON document.

    Args:
        document: What `parse_json` gave.
        path: Where the contract says the records are. Else the document itself if it is a
            list, or the one list of objects in it, at most one level down, that is called
            results, records, data or the like; without any, the document is one record.

    Returns:
        The path and the records, or None if there is nothing at the path.
    """
    if isinstance(document, Pairs) and path is None:
        found = list(_lists_of_objects(document, "", 2))
        return found[0] if len(found) == 1 else ("", [document])
    value = document
    for key in (path or "").split(".") if path else []:
        if not isinstance(value, Pairs):
            return None
        value = dict(value).get(key)
    if isinstance(value, Pairs):
        return path or "", [value]
    return (path or "", value) if isinstance(value, list) else None


def _lists_of_objects(value: Pairs, prefix: str, depth: int) -> Iterator[tuple[str, list[object]]]:
    for key, inner in value:
        if isinstance(inner, Pairs):
            if depth > 1:
                yield from _lists_of_objects(inner, f"{prefix}{key}.", depth - 1)
        elif key.lower() not in _WRAPPERS or not isinstance(inner, list):
            continue
        elif inner and all(isinstance(entry, Pairs) for entry in inner):
            yield prefix + key, inner


def _walk(value: object, path: str) -> Iterator[tuple[str, str | None]]:
    prefix = f"{path}." if path else ""
    if isinstance(value, Pairs):
        for key, inner in value:
            yield from _walk(inner, prefix + key)
    elif isinstance(value, list) and len(value) <= _MAX_ENTRIES:
        for number, inner in enumerate(value):
            yield from _walk(inner, f"{prefix}{number}")
    else:
        yield path, to_text(value)


def _plain(value: object) -> object:
    if isinstance(value, Pairs):
        return {key: _plain(inner) for key, inner in value}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


_DECODER = json.JSONDecoder(
    object_pairs_hook=Pairs, parse_float=str, parse_int=str, parse_constant=str
)
