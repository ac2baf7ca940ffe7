"""Expressions that take one name apart, or mend its case. Nothing here changes an order."""

import re
from collections.abc import Iterable

import polars as pl

from transforms.columns import compute, put
from transforms.names import words

_INVISIBLE = r"[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]"

# Most names are plain ASCII, which needs no normalisation.
_TIDY_ASCII = r"^[!-~]+(?: [!-~]+)*$"

# Nine names in ten: capitalised ASCII words, none of which means anything to this module.
_PLAIN = r"^[A-Z][a-z]+(?:[ -][A-Z][a-z]+)*$"
_ACCENTED = r"^{word}(?:[ -]{word})*$".format(word="[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ]+")
_PLAIN_WORD = r"^[A-Z][a-z]+$"
_PLAIN_MIDDLE = r"^[A-Z](?:\.?|[a-z]+)$"
_SPECIAL_WORDS = {
    *words.HONORIFICS, *words.DOTTED_HONORIFICS, *words.GENERATIONS, *words.DEGREES,
    *words.BUSINESS_ENDINGS, *(each.split(" ")[0] for each in words.PLACEHOLDERS), "and", "und",
}  # fmt: skip
_SPECIAL_ALONE = [each.capitalize() for each in sorted(_SPECIAL_WORDS)]
# Borders of ASCII words: those of Unicode make the search a hundred times slower beside an accent,
# and one too many only has a name looked at more closely.
_BORDER = r"(?-u:\b)"
_SPECIAL = rf"(?i){_BORDER}(?:{'|'.join(map(re.escape, sorted(_SPECIAL_WORDS)))}){_BORDER}"

# Dots and commas too: they make titles of more words, like `M.D.` and `, MA`.
_MAY_HAVE_TITLE = rf"{_SPECIAL}|[.,]"


def _any_of(options: Iterable[str]) -> str:
    return "|".join(re.escape(each) for each in sorted(options, key=len, reverse=True))


def _dotted(options: Iterable[str]) -> str:
    """Words with full stops where people put them: ``M.D.``, ``Ph.D.``, ``Jr.``."""
    return "|".join(
        r"\.?".join(map(re.escape, each)) for each in sorted(options, key=len, reverse=True)
    )


_SUFFIX = rf"(?:{_dotted([*words.GENERATIONS, *words.DEGREES])})\.?"
_COMMA_SUFFIX = rf"(?:{_dotted([*words.GENERATIONS, *words.DEGREES, *words.COMMA_SUFFIXES])})\.?"
# The first group keeps a name that is nothing but a suffix.
_SUFFIXED = rf"(?i)^(.*?[^\s,].*?)((?:\s+{_SUFFIX}|\s*,\s*{_COMMA_SUFFIX})+),?$"
MIDDLE_SUFFIX = rf"(?i)\s*,\s*({_SUFFIX})\s*,"
_HONORIFIC = rf"(?:(?:{_any_of(words.HONORIFICS)})\.?|(?:{_any_of(words.DOTTED_HONORIFICS)})\.)"
_HONORIFICS = rf"(?i)^((?:{_HONORIFIC}\s+)+)\S"
INNER_HONORIFICS = rf"(?i),\s*((?:{_HONORIFIC}\s+)+)"
_LONE_HONORIFIC = rf"(?i)^(?:{_any_of(words.LONE_HONORIFICS)})\.?$"
_SUFFIX_FORMS = words.GENERATIONS | words.DEGREES | words.COMMA_SUFFIXES
_HONORIFIC_FORMS = words.HONORIFICS | words.DOTTED_HONORIFICS

_SMALL = [each.title() for each in words.SMALL_PARTICLES]
_MC = {f"Mc{letter}": f"Mc{letter.upper()}" for letter in "abcdefghijklmnopqrstuvwxyz"}
_MAC = {each.capitalize(): each for each in words.MAC_NAMES}
_INITIALS = r"^[B-DF-HJ-NP-TV-XZ]{2}$"


def tidy(text: pl.Expr) -> pl.Expr:
    """NFC, single spaces, no invisible characters; blank gives null. Letters stay as written.

    U+200C and U+200D stay: Persian and Indic names are spelt with them.
    """
    return text.map_batches(_tidy_column, return_dtype=pl.String, is_elementwise=True)


def _tidy_column(texts: pl.Series) -> pl.Series:
    is_odd = ~texts.str.contains(_TIDY_ASCII).fill_null(True)
    odd = (
        texts.filter(is_odd)
        .str.normalize("NFC")
        .str.replace_all(_INVISIBLE, "")
        .str.replace_all(r"\s+", " ")
        .str.strip_chars()
    )
    return put(texts, is_odd, compute(pl.when(pl.lit(odd) != "").then(pl.lit(odd))))


def is_plain_row(first: str, middle: str, last: str) -> pl.Expr:
    """Whether first and last name are plain words, with nothing to take apart or to mend."""
    is_word = [
        pl.col(each).map_batches(_are_plain_words, return_dtype=pl.Boolean, is_elementwise=True)
        for each in (first, last)
    ]
    is_middle = pl.col(middle).str.contains(_PLAIN_MIDDLE) & ~pl.col(middle).str.contains(_SPECIAL)
    return pl.all_horizontal(*is_word, is_middle.fill_null(True)).fill_null(False)


def _are_plain_words(texts: pl.Series) -> pl.Series:
    # Most names are one word, which needs no search for special ones inside.
    is_plain = texts.str.contains(_PLAIN_WORD) & ~texts.is_in(_SPECIAL_ALONE)
    is_rest = ~is_plain & texts.is_not_null()
    rest = texts.filter(is_rest)
    return put(is_plain, is_rest, rest.str.contains(_PLAIN) & ~rest.str.contains(_SPECIAL))


def is_accented_row(first: str, middle: str, last: str) -> pl.Expr:
    """As :func:`is_plain_row`, of names with the accents of Western Europe."""
    words_of = pl.col(first, last)
    is_middle = pl.col(middle).str.contains(_PLAIN_MIDDLE) & ~pl.col(middle).str.contains(_SPECIAL)
    return pl.all_horizontal(
        words_of.str.contains(_ACCENTED) & ~words_of.str.contains(_SPECIAL),
        is_middle.fill_null(True),
    ).fill_null(False)


def may_have_title(name: pl.Expr) -> pl.Expr:
    """Whether an honorific or a suffix may stand in a name: cheap, and false for most."""
    return name.str.contains(_MAY_HAVE_TITLE)


def without_suffixes(name: pl.Expr) -> pl.Expr:
    """The name before Jr, III, MD and their like. A name that is nothing else stays."""
    return name.str.replace(_SUFFIXED, "${1}")


def suffixes(name: pl.Expr) -> pl.Expr:
    """Jr, III, MD and their like from the end of a name, each in one spelling; null if none."""
    return _spell(
        name.str.extract(_SUFFIXED, 2).str.replace_all(r"[.\s]*,\s*|\s+", " "), _SUFFIX_FORMS
    )


def without_honorifics(name: pl.Expr) -> pl.Expr:
    """The name behind Mr, Dr and their like."""
    taken = name.str.extract(_HONORIFICS)
    return name.str.strip_prefix(pl.coalesce(taken, pl.lit("")))


def honorifics(name: pl.Expr) -> pl.Expr:
    """Mr, Dr and their like from the start of a name, each in one spelling; null if none."""
    return _spell(name.str.extract(_HONORIFICS), _HONORIFIC_FORMS)


def is_lone_honorific(name: pl.Expr) -> pl.Expr:
    """Whether the text is an honorific and nothing else."""
    return name.str.contains(_LONE_HONORIFIC)


def spell_honorific(name: pl.Expr) -> pl.Expr:
    """Honorifics alone, each in its one spelling."""
    return _spell(name, _HONORIFIC_FORMS)


def repair_case(name: pl.Expr, *, is_last: bool) -> pl.Expr:
    """Capital letters for a name that is all capitals or all small; others stay as written.

    ``MCDONALD`` gives ``McDonald``, ``o'brien`` ``O'Brien``, ``DE LA CRUZ`` ``de la Cruz``. Two
    consonants are initials in a first name (``TJ``) and a word in a last name (``NG``). What the
    capitals hid stays hidden: ``VAN DYKE`` may have been ``Van Dyke``.

    Args:
        name: One name, tidied.
        is_last: Whether it is a last name, whose first word may be a particle.
    """
    return name.map_batches(
        lambda names: _repair_column(names, is_last=is_last),
        return_dtype=pl.String,
        is_elementwise=True,
    )


def _repair_column(names: pl.Series, *, is_last: bool) -> pl.Series:
    upper, lower = names.str.to_uppercase(), names.str.to_lowercase()
    has_no_case = ((names == upper) ^ (names == lower)).fill_null(False)
    if not is_last:
        has_no_case &= ~names.str.contains(_INITIALS).fill_null(False)
    before = "" if is_last else " "
    small = {f"{before}{each} ": f"{before}{each.lower()} " for each in _SMALL}
    titled = compute(
        pl.lit(names.filter(has_no_case))
        .str.to_titlecase()
        .str.replace_all(r"(['’])S\b", "${1}s")
        .str.replace_many(list(_MAC), list(_MAC.values()))
        .str.replace_many(list(_MC), list(_MC.values()))
        .str.replace_many(list(small), list(small.values()), leftmost=True)
    )
    return put(names, has_no_case, titled)


def _spell(found: pl.Expr, forms: dict[str, str]) -> pl.Expr:
    words_found = (
        found.str.to_lowercase().str.replace_all(".", "", literal=True).str.strip_chars(" ,")
    ).str.split(" ")
    spelt = words_found.list.eval(
        pl.element().replace_strict(forms, default=None, return_dtype=pl.String).drop_nulls()
    ).list.unique(maintain_order=True)
    joined = spelt.list.join(" ")
    return pl.when(joined != "").then(joined)
