"""Consent columns -> the channels that a person opted out of."""

from collections.abc import Sequence

import polars as pl

from contracts.source import ConsentRule


def read_consents(cells: pl.Series, rules: Sequence[ConsentRule]) -> pl.DataFrame:
    """Read what the consent columns of each row say.

    Blank says nothing. A word that the contract does not know counts as opted out: to write to
    somebody who did not want it is worse than not to write.

    Args:
        cells: Lists of texts, one for each column of each rule, null where blank.
        rules: The contract's.

    Returns:
        Row for row ``opt_outs`` (channels, sorted, each once), ``issue`` (consent_unknown) and
        ``raw``, the word that is not known.
    """
    frame = pl.DataFrame({"cells": cells})
    if not rules:
        nothing = pl.lit(None, pl.String)
        said = frame.with_columns(
            opt_outs=pl.lit([], pl.List(pl.String)), issue=nothing, raw=nothing
        )
        return said.drop("cells")
    channels, unknown = [], []
    columns = [rule for rule in rules for _ in rule.columns]
    for number, rule in enumerate(columns):
        word = pl.col("cells").list.get(number, null_on_oob=True).str.to_lowercase()
        is_yes = word.is_not_null() if "*" in rule.yes else word.is_in(_lower(rule.yes))
        is_no = word.is_in(_lower(rule.no))
        is_out = (is_yes if rule.says == "opt_out" else is_no) | ~(is_yes | is_no)
        channels.append(pl.when(is_out).then(pl.lit(rule.channel)))
        unknown.append(pl.when(~(is_yes | is_no)).then(word))
    return frame.select(
        opt_outs=pl.concat_list(channels).list.drop_nulls().list.unique().list.sort(),
        issue=pl.when(pl.coalesce(unknown).is_not_null()).then(pl.lit("consent_unknown")),
        raw=pl.coalesce(unknown),
    )


def _lower(words: Sequence[str]) -> list[str]:
    return [word.lower() for word in words]
