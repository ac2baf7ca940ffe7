"""Which contract fits a file, and what a contract for an unknown file could say."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import polars as pl
import yaml

from contracts.errors import SourceDriftError, UnknownSourceError
from contracts.people import FIELDS, LIST_KINDS
from contracts.source import Source, header_key
from transforms.column_map import map_columns
from transforms.emails import normalize_emails
from transforms.phones import normalize_phones

# So many of a column's filled cells must be emails, or phones, for it to be called so.
_MOST = 0.6
# One header in common may be chance: `Contact ID` is Salesforce's, and GoHighLevel's too.
_OWN_HEADERS = 2
# A contract that knows less of a file's columns is not worth naming.
_NEAR = 0.25


class Fit(NamedTuple):
    """How well a contract fits a file.

    Attributes:
        name: The source.
        score: Share of the file's columns that the contract names, 0 to 1.
        is_exact: Whether the file can only be this provider's: its required columns are there,
            and with them two that only this provider has, or one and no column that the
            contract does not name; for a source without such columns no unnamed one is enough,
            and for one that is called after a table both are needed.
        fault: Why it cannot be read by this contract; empty if it can.
    """

    name: str
    score: float
    is_exact: bool
    fault: str


def rank_sources(headers: Sequence[str], sources: Mapping[str, Source]) -> list[Fit]:
    """How well each contract fits, the best first."""
    fits = [_fit(headers, source) for source in sources.values()]
    return sorted(fits, key=lambda fit: (bool(fit.fault), not fit.is_exact, -fit.score, fit.name))


def recognise(file_name: str, headers: Sequence[str], sources: Mapping[str, Source]) -> Source:
    """The one contract that fits a file exactly.

    Raises:
        UnknownSourceError: None does, or several do; the message names the nearest.
    """
    fits = rank_sources(headers, sources)
    exact = [fit for fit in fits if fit.is_exact]
    # A provider's own header says more than that a general list knows every column.
    own = [fit for fit in exact if sources[fit.name].recognised_by]
    chosen = own or exact
    if len(chosen) == 1:
        return sources[chosen[0].name]
    if chosen:
        said = f"several contracts fit: {', '.join(fit.name for fit in chosen[:3])}."
    elif near := [fit for fit in fits[:3] if fit.score >= _NEAR]:
        named = ", ".join(f"{fit.name} (knows {fit.score:.0%} of the columns)" for fit in near)
        said = f"no contract fits exactly; the nearest are: {named}."
    else:
        said = "no source that we know has such columns."
    raise UnknownSourceError(
        f"{file_name}: {said}\nName the source, or look at the file: leadfold inspect FILE"
    )


def propose_columns(rows: pl.DataFrame, synonyms: Source, region: str) -> dict[str, list[str]]:
    """Which columns could fill which field, by their headers and by what stands in them.

    Args:
        rows: Some rows of the file, all text; a header of JSON is a dotted path.
        synonyms: The contract whose headers are the usual words.
        region: Where phones without a country code would belong.

    Returns:
        Field -> headers. A column that says neither is in none.
    """
    known = {
        header_key(column): name
        for name, rule in synonyms.columns.items()
        for column in rule.columns
    }
    proposed: dict[str, list[str]] = {}
    for header in rows.columns:
        last = header.rpartition(".")[2]
        field = _by_values(rows[header], region) or known.get(
            header_key(header), known.get(header_key(last))
        )
        if field is None:
            continue
        if FIELDS[field].kind in LIST_KINDS or field not in proposed:
            proposed.setdefault(field, []).append(header)
    return proposed


def write_contract(name: str, columns: Mapping[str, Sequence[str]]) -> str:
    """A contract as YAML, ready to be looked over."""
    said = {
        "name": name,
        "source_file": "file",
        "columns": {field: list(headers) for field, headers in columns.items()},
    }
    head = (
        f"# Proposed by `leadfold inspect`. Save it as contracts/sources/{name}.yaml.\n"
        "# source_file: feed where the record ids stay the same from file to file (a CRM).\n"
    )
    return head + yaml.safe_dump(said, sort_keys=False, allow_unicode=True)


def _fit(headers: Sequence[str], source: Source) -> Fit:
    named = {header_key(header) for header in source.known_headers}
    is_named = [header_key(header) in named for header in headers]
    score = sum(is_named) / len(headers) if headers else 0.0
    try:
        map_columns(headers, source)
    except SourceDriftError as error:
        return Fit(source.name, score, False, str(error).partition("\n")[0])
    own = {header_key(header) for header in source.recognised_by}
    own_found = sum(header_key(header) in own for header in headers)
    has_own = own_found >= min(_OWN_HEADERS, len(own)) or (own_found > 0 and all(is_named))
    # Any list may have a status and a provider; that it is rows of a table, all columns must say.
    is_exact = has_own and (all(is_named) or not source.is_of_table) if own else all(is_named)
    return Fit(source.name, score, is_exact, "")


def _by_values(cells: pl.Series, region: str) -> str | None:
    """Phones or emails, if most of a column's filled cells are."""
    filled = cells.drop_nulls().str.strip_chars()
    filled = filled.filter(filled != "")
    if len(filled) == 0:
        return None
    emails = normalize_emails(filled)["address"].is_not_null().sum()
    if emails >= _MOST * len(filled):
        return "emails"
    # Ids and amounts can be dialled by chance; people part a phone's digits, or write a plus.
    looks_dialled = filled.str.contains(r"^[+(]|\d[\s().-]+\d{2,}") & ~filled.str.contains(
        r"^\d{1,4}[-./]\d{1,2}[-./]\d{1,4}"
    )
    phones = (normalize_phones(filled, region)["is_valid"] & looks_dialled).sum()
    return "phones" if phones >= _MOST * len(filled) else None
