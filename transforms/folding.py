"""The form in which two spellings of one word are equal."""

import polars as pl

from transforms.columns import compute, put

# Letters that Unicode does not take apart: ICU's Latin-ASCII transliteration.
_WHOLE_LETTERS = {
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ħ": "h",
    "ı": "i", "ŋ": "n", "ĸ": "q", "ŧ": "t",
}  # fmt: skip
_APOSTROPHES = r"['’‘ʼʻ`´′]"
_FOLDED_ASCII = r"^[a-z0-9]+(?: [a-z0-9]+)*$"


def fold(text: pl.Expr) -> pl.Expr:
    """Lower case, without accents, apostrophes and punctuation, words one space apart.

    ``O’Brien-Núñez`` gives ``obrien nunez``. Scripts without accents stay whole: only the combining
    marks of U+0300 to U+036F fall away, so Hangul and Devanagari keep their letters. Blank and
    punctuation alone give null. Its own normal form.
    """
    return text.map_batches(fold_column, return_dtype=pl.String, is_elementwise=True)


def fold_column(texts: pl.Series) -> pl.Series:
    """:func:`fold` for a whole column. Most text is plain ASCII, which needs no normalisation."""
    lowered = texts.str.to_lowercase()
    is_wide = lowered.str.contains(r"[^\x00-\x7f]").fill_null(False)
    wide = (
        texts.filter(is_wide)
        .str.normalize("NFKC")
        .str.to_lowercase()
        .str.normalize("NFKD")
        .str.replace_all(r"[\u0300-\u036f]", "")
        .str.normalize("NFKC")
    )
    wide = compute(
        pl.lit(wide).str.replace_many(list(_WHOLE_LETTERS), list(_WHOLE_LETTERS.values()))
    )
    narrow = put(lowered, is_wide, wide)
    is_odd = ~narrow.str.contains(_FOLDED_ASCII).fill_null(True)
    odd = (
        narrow.filter(is_odd)
        .str.replace_all(_APOSTROPHES, "")
        .str.replace_all(r"[^\p{L}\p{M}\p{N}]+", " ")
        .str.strip_chars()
    )
    return put(narrow, is_odd, compute(pl.when(pl.lit(odd) != "").then(pl.lit(odd))))
