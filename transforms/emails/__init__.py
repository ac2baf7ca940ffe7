"""Email cells as addresses to store and keys to match by."""

import re
from functools import cache

import polars as pl

from transforms.columns import compute, nulls, put, put_text, spread
from transforms.emails import providers
from transforms.emails.cells import clean_cells, read_cells, suggest_addresses
from transforms.emails.syntax import is_plain_address, read_addresses


def _any_of(words: frozenset[str]) -> str:
    return "(?:" + "|".join(map(re.escape, sorted(words))) + ")"


_TWINS = "|".join(
    rf"{re.escape(word)}@{re.escape(word)}" for word in sorted(providers.PLACEHOLDER_TWINS)
)
# Apart, because a pattern tied to one end is ten times as fast as an alternative of both.
_PLACEHOLDERS = (
    rf"^{_any_of(providers.PLACEHOLDER_LOCALS)}@",
    rf"@{_any_of(providers.PLACEHOLDER_DOMAINS)}$",
    rf"^{_any_of(providers.EXAMPLE_LOCALS)}@{_any_of(providers.EXAMPLE_DOMAINS)}$",
    rf"^(?:{_TWINS})\.(?:com|net|org)$",
)
_DOTLESS = ["@" + domain for domain in sorted(providers.DOTS_IGNORED)]
_IGNORES_TAGS = rf"^[^+@]+\+.*@{_any_of(providers.TAGS_IGNORED)}$"
_TLD_TYPO = rf"\.({'|'.join(providers.TLD_TYPOS)})$"


def normalize_emails(values: pl.Series, *, refuse_disposable: bool = False) -> pl.DataFrame:
    """Read a column of email cells.

    Null and blank cells give nulls and no issue. Syntax is that of `email-validator` without DNS,
    after the forms of :mod:`transforms.emails.cells` have been taken away. ``example.com`` and
    ``*.example`` (RFC 2606) are addresses like any other; ``.test``, ``.invalid``, ``.local`` are
    not. A normal form is its own normal form.

    Args:
        values: The cells as text.
        refuse_disposable: Whether addresses of throw-away mail services are emptied.

    Returns:
        Row for row:

        - ``address``: as stored, in lower case with the domain in ASCII. Null where none is read.
          RFC 5321 lets mailbox names differ by case; no provider that people use does it, and two
          spellings of one mailbox would be two claims.
        - ``key``: for matching, see :func:`key_emails`.
        - ``issue``: one code of :mod:`contracts.issues`, else null.
        - ``suggestion``: the address that was perhaps meant, else null. Nothing uses it by itself.
        - ``others``: further addresses of the cell, as stored, in order. An empty list mostly.
    """
    cells = values.cast(pl.String)
    lowered = cells.str.to_lowercase()
    is_plain = compute(is_plain_address(pl.lit(lowered)).fill_null(False))
    is_rest = ~is_plain & cells.is_not_null()
    rest = _read_rest(cells.filter(is_rest))
    read = pl.DataFrame(
        {
            "address": put(lowered, is_rest, rest["address"]),
            "issue": put(nulls(cells.len()), is_rest, rest["issue"]),
            "suggestion": put(nulls(cells.len()), is_rest, rest["suggestion"]),
            "others": spread(rest["others"], is_rest),
        }
    )
    return _judge(read, refuse_disposable=refuse_disposable)


def key_emails(addresses: pl.Series) -> pl.Series:
    """The form by which two addresses are one mailbox.

    Dots and ``+tags`` fall away for the providers that ignore them, and for no others. Stand-ins
    (``test@test.com``) identify nobody and have no key.

    Args:
        addresses: As :func:`normalize_emails` stores them. Null stays null.

    Returns:
        Keys. A key is its own key.
    """
    may_fold = addresses.str.contains("+", literal=True)
    for domain in _DOTLESS:
        may_fold |= addresses.str.ends_with(domain)
    may_fold = may_fold.fill_null(False)
    address = pl.col("address")
    folded = (
        pl.DataFrame({"address": addresses.filter(may_fold)})
        .select(
            pl.when(address.str.contains(_IGNORES_TAGS))
            .then(address.str.replace(r"\+.*@", "@"))
            .otherwise(address)
        )
        .select(
            pl.when(pl.any_horizontal(address.str.ends_with(domain) for domain in _DOTLESS))
            .then(_without_dots("address"))
            .otherwise(address)
        )
    )
    keys = put(addresses, may_fold, folded.to_series())
    # Asked of the key, because `no.ne+1@gmail.com` is no better than `none@gmail.com`.
    is_placeholder = compute(
        pl.any_horizontal([pl.lit(keys).str.contains(pattern) for pattern in _PLACEHOLDERS])
    ).fill_null(False)
    return put_text(keys, is_placeholder, None).alias("key")


def _without_dots(address: str) -> pl.Expr:
    local = pl.col(address)
    for domain in providers.DOTS_IGNORED:
        local = local.str.strip_suffix("@" + domain)
    return local.str.replace_all(".", "", literal=True) + "@" + providers.DOTLESS_DOMAIN


def _read_rest(cells: pl.Series) -> pl.DataFrame:
    """Row for row ``address, issue, suggestion, others`` of cells that are no plain address."""
    cleaned = clean_cells(cells).rename("cell")
    distinct = cleaned.filter(cleaned != "").unique(maintain_order=True)
    whole = read_addresses(distinct)
    parts = read_cells(distinct.filter(whole.is_null()))
    table = pl.DataFrame(
        {
            "cell": distinct,
            "address": put(whole, whole.is_null(), parts.addresses.list.first()),
            "others": spread(parts.addresses.list.slice(1), whole.is_null()),
            "has_leftover": spread(parts.has_leftover, whole.is_null()),
        }
    )
    is_lost = table["address"].is_null()
    table = table.with_columns(
        suggestion=put(nulls(table.height), is_lost, suggest_addresses(distinct.filter(is_lost))),
        issue=pl.when(is_lost)
        .then(pl.lit("email_invalid"))
        .when("has_leftover")
        .then(pl.lit("email_partly_invalid")),
    )
    return cleaned.to_frame().join(table, on="cell", how="left", maintain_order="left")


def _judge(read: pl.DataFrame, *, refuse_disposable: bool) -> pl.DataFrame:
    """Add the key, and what is to be said of an address that could be read."""
    if refuse_disposable:
        read = _refuse_disposable(read)
    key = key_emails(read["address"])
    is_typo, meant = _suggest_domains(read["address"])
    is_placeholder = key.is_null() & read["address"].is_not_null()
    issue = put_text(read["issue"], is_typo, "email_domain_typo")
    return read.select(
        "address",
        key,
        issue=put_text(issue, is_placeholder, "email_placeholder"),
        suggestion=put(read["suggestion"], is_typo, meant),
        others=pl.col("others").fill_null(pl.lit([], pl.List(pl.String))),
    )


def _suggest_domains(addresses: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Where a domain looks misspelt, and the addresses with the domain that was meant."""
    # Domains are ASCII, so that their bytes are their letters.
    length = addresses.str.len_bytes() - addresses.str.find("@", literal=True) - 1
    domains = addresses.str.tail(length)
    written, meant = _typos()
    is_typo = domains.is_in(written.implode()) | addresses.str.contains(_TLD_TYPO)
    is_typo = is_typo.fill_null(False)
    suggestion = (
        pl.DataFrame({"address": addresses.filter(is_typo), "domain": domains.filter(is_typo)})
        .with_columns(
            ended=pl.col("domain").str.replace(_TLD_TYPO, ".")
            + pl.col("domain")
            .str.extract(_TLD_TYPO)
            .replace_strict(providers.TLD_TYPOS, default=None, return_dtype=pl.String)
        )
        .with_columns(
            meant=pl.coalesce("ended", "domain").replace_strict(
                written, meant, default=pl.col("ended")
            )
        )
        .select(pl.col("address").str.extract(r"^([^@]+@)") + pl.col("meant"))
    )
    return is_typo, suggestion.to_series()


@cache
def _typos() -> tuple[pl.Series, pl.Series]:
    """Misspelt domains, and row for row what was meant."""
    typos = providers.domain_typos()
    return pl.Series(list(typos)), pl.Series(list(typos.values()))


def _refuse_disposable(read: pl.DataFrame) -> pl.DataFrame:
    has_others = read["others"].list.len().fill_null(0) > 0
    welcome = (
        read.select("others")
        .filter(has_others)
        .with_row_index("row")
        .explode("others")
        .group_by("row", maintain_order=True)
        .agg(pl.col("others").filter(~_is_disposable("others")))
    )
    return read.with_columns(
        address=pl.when(~_is_disposable("address")).then("address"),
        issue=pl.when(_is_disposable("address"))
        .then(pl.lit("email_disposable"))
        .otherwise("issue"),
        others=put(read["others"], has_others, welcome["others"]),
    )


@cache
def _load_disposable() -> pl.Series:
    """The domains of throw-away mail services; few contracts ask for them."""
    from disposable_email_domains import blocklist

    return pl.Series(sorted(blocklist)).implode()


def _is_disposable(address: str) -> pl.Expr:
    return pl.col(address).str.extract(r"@(.+)$").is_in(_load_disposable()).fill_null(False)
