"""Phones: libphonenumber's answers, and the forms in front of it."""

import os
import re
from functools import lru_cache

import phonenumbers
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from contracts.issues import ISSUES
from contracts.people import E164_DIGITS
from tests import phone_samples as samples
from tests.benchmarks.bench_phones import sample_mix
from transforms.phones import (
    automata,
    cells,
    library,
    metadata,
    normalize_phones,
    patterns,
    rules,
    tables,
)

PARITY_ROWS = int(os.environ.get("LEADFOLD_PARITY_ROWS", "200000"))
PARITY_SEED = int(os.environ.get("LEADFOLD_PARITY_SEED", "20261121"))
_CHUNK_ROWS = 100_000
_COMPARED = ["e164", "extension", "region", "kind", "is_valid", "error"]
_NOT_CLAIMED = ("phone_placeholder", "phone_scientific")


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tables answer whatever they can, however few the rows."""
    monkeypatch.setattr(tables, "ROWS_WORTH_COMPILING", 0)


@lru_cache(maxsize=1)
def _examples() -> tuple[pl.DataFrame, pl.DataFrame]:
    written = samples.written_examples()
    return written, samples.oracle(written)


def _expect_parity(written: pl.DataFrame, expected: pl.DataFrame) -> float:
    """Compare the column with the library; returns the share that the tables answered."""
    asked = library.ask_library(written["value"], written["region"])
    error_numbers = {
        name: number
        for name, number in vars(phonenumbers.NumberParseException).items()
        if name.isupper()
    }
    found = asked.with_columns(
        pl.col("error").replace_strict(error_numbers, return_dtype=pl.Int32, default=None)
    )
    differs = pl.any_horizontal(found[name].ne_missing(expected[name]) for name in _COMPARED)
    at = pl.select(differs).to_series().arg_true()
    shown = [(*written.row(i), found.row(i), expected.row(i)) for i in at.head(5)]
    assert at.is_empty(), f"{len(at)} of {len(written)} differ: {shown}"
    return float(asked["is_fast"].sum()) / len(asked)


def _expect_only_listed_deviations(written: pl.DataFrame, expected: pl.DataFrame) -> None:
    """Where no repair is named, the public answer is the library's."""
    found = normalize_phones(written["value"], written["region"], with_repairs=True)
    both = found.hstack(expected.select(pl.all().name.prefix("library_")))
    is_e164 = pl.col("library_e164").str.len_bytes() <= len("+") + E164_DIGITS
    is_same = pl.col("e164").eq_missing(
        pl.when(pl.col("library_is_valid") & is_e164).then("library_e164")
    )
    for name in ("extension", "region", "kind"):
        is_same &= pl.col("e164").is_null() | pl.col(name).eq_missing(pl.col(f"library_{name}"))
    # The region code 'us' is the library's 'none', and ours US.
    is_comparable = pl.lit(~written["region"].eq_missing("us"))
    is_listed = pl.col("repair").is_not_null() | pl.col("issue").is_in(_NOT_CLAIMED)
    wrong = both.hstack(written.rename({"region": "default"})).filter(
        is_comparable & ~is_same & ~is_listed.fill_null(False)
    )
    assert wrong.is_empty(), wrong.head(5).to_dicts()
    assert (found["e164"].is_not_null() == found["is_valid"]).all()
    assert set(found["issue"].drop_nulls()) | set(found["repair"].drop_nulls()) <= set(ISSUES)
    is_blank = ~written["value"].str.contains(r"[^\s\p{Cf}\p{Pi}\p{Pf}=\"'`]")
    assert found.filter(~is_blank & pl.col("e164").is_null())["issue"].is_not_null().all()


@pytest.mark.usefixtures("compiled")
def test_examples_are_read_as_the_library_reads_them() -> None:
    """Every example number, format, separator and five default regions: no difference."""
    written, expected = _examples()
    share = _expect_parity(written, expected)
    print(f"\n{len(written):,} written examples, {share:.2%} of them the fast way")
    assert share > 0.97


@pytest.mark.usefixtures("compiled")
def test_generated_strings_are_read_as_the_library_reads_them() -> None:
    """Mutations, digits of any length and junk: no difference, and no unlisted deviation."""
    for start in range(0, PARITY_ROWS, _CHUNK_ROWS):
        rows = min(_CHUNK_ROWS, PARITY_ROWS - start)
        written = samples.generated(rows, PARITY_SEED + start)
        expected = samples.oracle(written)
        share = _expect_parity(written, expected)
        _expect_only_listed_deviations(written, expected)
        print(f"\n{rows:,} generated strings, {share:.2%} of them the fast way")


@pytest.mark.usefixtures("compiled")
def test_public_answer_deviates_only_where_listed() -> None:
    """On the examples, an answer without a repair code is the library's."""
    _expect_only_listed_deviations(*_examples())


def test_answers_do_not_depend_on_what_is_compiled() -> None:
    """Few rows go to the library, more to the tables, with one result."""
    for table in (
        tables.national_table,
        tables.international_table,
        tables.answer_table,
    ):
        table.cache_clear()
    written, expected = _examples()
    half = len(written) // 2
    shares = [_expect_parity(written.head(half), expected.head(half)) for _ in range(4)]
    assert 0.1 < shares[0] < shares[-1] < 1


def test_sample_mix_goes_the_fast_way() -> None:
    """At least 97 % of the benchmark's mix needs no Python per value."""
    mix = sample_mix(100_000)
    for _ in range(3):  # Each compiles what the rows so far are worth.
        library.ask_library(mix["value"], mix["region"])
    share = library.ask_library(mix["value"], mix["region"])["is_fast"].sum() / len(mix)
    print(f"\nsample mix: {share:.2%} the fast way")
    assert share >= 0.97


def test_normal_form_is_kept() -> None:
    """Normalising an E.164 again changes nothing, whatever the region."""
    for numbers in (_examples()[0], sample_mix(20_000), samples.generated(20_000, 3)):
        once = normalize_phones(numbers["value"], numbers["region"]).filter("is_valid")
        for region in ("US", "AR", "ZZ"):
            twice = normalize_phones(once["e164"], region, with_repairs=True)
            columns = ["e164", "region", "kind", "is_valid", "issue"]
            assert_frame_equal(twice.select(columns), once.select(columns))
            assert twice["repair"].is_null().all()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=30),
            st.from_regex(r"\+?[0-9 ().x/-]{3,25}", fullmatch=True),
            st.none(),
        ),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from([*samples.DEFAULT_REGIONS, "ZZ"]),
)
def test_any_text_is_normalised_once(values: list[str | None], region: str) -> None:
    """No text breaks it; a row does not depend on the others; the result is stable."""
    column = pl.Series("value", values, dtype=pl.String)
    once = normalize_phones(column, region)
    assert len(once) == len(column)
    apart = pl.concat(normalize_phones(column.slice(at, 1), region) for at in range(len(column)))
    assert_frame_equal(once, apart)
    numbers = pl.concat([once["e164"], once["others"].explode()]).drop_nulls()
    assert normalize_phones(numbers, "ZZ")["e164"].to_list() == numbers.to_list()


SF, DC, JAKARTA = "+14155552671", "+12025550123", "+6281312345678"

READ = [
    # value, region, e164, extension, others, repair
    ("p:+6281312345678", "US", JAKARTA, None, [], None),
    ("tel:+1-415-555-2671", "ID", SF, None, [], None),
    ("tel:+1-415-555-2671;ext=5", "US", SF, "5", [], None),
    ("tel:555-2671;phone-context=+1415", "US", SF, None, [], None),
    ("tel:+1-415-555-2671;isub=12345", "US", SF, None, [], None),
    ("4155552671.0", "US", SF, None, [], "phone_decimal_tail"),
    ("+6281312345678.0", "US", JAKARTA, None, [], "phone_decimal_tail"),
    ("6281312345678.0", "ID", JAKARTA, None, [], "phone_decimal_tail"),
    ('="4155552671"', "US", SF, None, [], None),
    ("'4155552671", "US", SF, None, [], None),
    ('"0813\u00a01234\u00a05678"', "ID", JAKARTA, None, [], None),
    ("6281312345678.00 ", "ID", JAKARTA, None, [], "phone_decimal_tail"),
    ('="30123456.0"', "DE", "+4930123456", None, [], "phone_decimal_tail"),
    ("4.155552671E9", "US", SF, None, [], "phone_scientific_exact"),
    ("+6281312345678E0", "US", JAKARTA, None, [], "phone_scientific_exact"),
    ("4.155552671e+09", "US", SF, None, [], "phone_scientific_exact"),
    ("4,155552671E9", "US", SF, None, [], "phone_scientific_exact"),
    ("\uff0b\uff11 \uff14\uff11\uff15 5552671", "ID", SF, None, [], "phone_characters"),
    ("\u0664\u0661\u0665\u0665\u0665\u0665\u0662\u0666\u0667\u0661", "US", SF, None, [],
     "phone_characters"),
    ("\u202a+1 (415) 555\u20112671\u202c", "ID", SF, None, [], None),
    ("415\u200e555\u200e2671", "US", SF, None, [], "phone_characters"),
    ("415\u00a0555\u00a02671", "US", SF, None, [], None),
    ("4155552671 (cell)", "US", SF, None, [], "phone_label_dropped"),
    ("4155552671 (phone 2)", "US", SF, None, [], "phone_label_dropped"),
    ("415-555-2671 ext. 12 (work)", "US", SF, "12", [], "phone_label_dropped"),
    ("030 1234567 Mobil", "DE", "+49301234567", None, [], "phone_label_dropped"),
    ("cell: 415-555-2671", "US", SF, None, [], None),
    ("1-800-FLOWERS", "US", "+18003569377", None, [], None),
    ("1 800 GOT-JUNK", "US", "+18004685865", None, [], None),
    ("415-555-2671 x12", "US", SF, "12", [], None),
    ("415-555-2671, ext. 12", "US", SF, "12", [], None),
    ("415-555-2671 extension 12", "US", SF, "12", [], None),
    ("415-555-2671 #12", "US", SF, "12", [], None),
    ("415-555-2671,,12", "US", SF, "12", [], None),
    ("4155552671 / 2025550123", "US", SF, None, [DC], "phone_several_numbers"),
    ("4155552671; 2025550123", "US", SF, None, [DC], "phone_several_numbers"),
    ("4155552671 or 2025550123 x5", "US", SF, None, [DC], "phone_several_numbers"),
    ("4155552671\n2025550123", "US", SF, None, [DC], "phone_several_numbers"),
    ("+14155552671 +12025550123", "ID", SF, None, [DC], "phone_several_numbers"),
    ("4155552671, 4155552671", "US", SF, None, [], "phone_several_numbers"),
    ("home 4155552671, cell 2025550123, +62 813 1234 5678", "US", SF, None, [DC, JAKARTA],
     "phone_several_numbers"),
    ("4155552671/2", "US", SF, None, [], "phone_several_numbers"),
    ("0000000000; 4155552671", "US", SF, None, [], "phone_several_numbers"),
    ("030/12345678", "DE", "+493012345678", None, [], None),
    ("4155552671, 12", "US", SF, "12", [], None),
    ("0062 813 1234 5678", "US", JAKARTA, None, [], "phone_international_prefix"),
    ("0062 813 1234 5678", None, JAKARTA, None, [], "phone_international_prefix"),
    ("011 62 813 1234 5678", "US", JAKARTA, None, [], None),
    ("01162 813 1234 5678", "ID", JAKARTA, None, [], "phone_international_prefix"),
    ("6281312345678", "ID", JAKARTA, None, [], None),
    ("0813-1234-5678", "ID", JAKARTA, None, [], None),
    ("813 1234 5678", "ID", JAKARTA, None, [], None),
    ("+62 (0)813 1234 5678", "US", JAKARTA, None, [], None),
    ("+5215512345678", "US", "+525512345678", None, [], "phone_retired_prefix"),
    ("5215512345678", "MX", "+525512345678", None, [], "phone_retired_prefix"),
    ("0052 1 55 1234 5678", "US", "+525512345678", None, [], "phone_retired_prefix"),
    ("+525512345678", "US", "+525512345678", None, [], None),
    ("0343 15 555 1212", "AR", "+5493435551212", None, [], None),
    ("+54 9 343 555 1212", "US", "+5493435551212", None, [], None),
    ("+54 343 15 555 1212", "US", "+5493435551212", None, [], None),
    ("0 31 85 3222 2222", "BR", "+558532222222", None, [], None),
    ("02 1234 5678", "IT", "+390212345678", None, [], None),
    ("+39 06 6982 1234", "US", "+390669821234", None, [], None),
    ("+800 1234 5679", "US", "+80012345679", None, [], None),
]  # fmt: skip


@pytest.mark.parametrize(("value", "region", "e164", "extension", "others", "repair"), READ)
def test_forms_that_are_read(
    value: str,
    region: str | None,
    e164: str,
    extension: str | None,
    others: list[str],
    repair: str | None,
) -> None:
    """Each form that people write gives its number, and names what was repaired."""
    regions = pl.Series([region], dtype=pl.String)
    found = normalize_phones(pl.Series([value]), regions, with_repairs=True).row(0, named=True)
    assert (found["e164"], found["extension"], found["others"]) == (e164, extension, others)
    assert (found["repair"], found["issue"], found["is_valid"]) == (repair, None, True)


REFUSED = [
    ("6.28E+10", "ID", "phone_scientific"),
    ("4.15555E9", "US", "phone_scientific"),
    ("1e5", "US", "phone_scientific"),
    ("0000000000", "US", "phone_placeholder"),
    ("1234567890", "US", "phone_placeholder"),
    ("(555) 555-5555", "US", "phone_placeholder"),
    ("+62 000 0000 0000", "US", "phone_placeholder"),
    ("9876543210", "IN", "phone_placeholder"),
    ("n/a", "US", "phone_not_a_number"),
    ("-", "US", "phone_not_a_number"),
    ("4155552671", None, "phone_no_country"),
    ("4155552671", "XX", "phone_no_country"),
    ("+999 123 4567", "US", "phone_unknown_country_code"),
    ("555-2671", "US", "phone_no_area_code"),
    ("415555", "US", "phone_too_short"),
    ("41555526711234", "US", "phone_too_long"),
    ("1155552671", "US", "phone_invalid"),
    # Valid within Germany, says the library; with +49 they have 16 and 17 digits.
    ("058212826156033", "DE", "phone_too_long"),
    ("058212826156033 0", "DE", "phone_too_long"),
    ("+49 58212826156033", "US", "phone_too_long"),
    # Valid in Indonesia; nothing says that it is from there.
    ("081312345678", "US", "phone_too_long"),
    # Valid as +6281312345678; a bare code is read for the row's own country alone.
    ("6281312345678", "US", "phone_too_long"),
]


@pytest.mark.parametrize(("value", "region", "issue"), REFUSED)
def test_forms_that_are_refused(value: str, region: str | None, issue: str) -> None:
    """What gives no number says why, and nothing is made up."""
    found = normalize_phones(pl.Series([value]), pl.Series([region], dtype=pl.String))
    assert found.row(0) == (None, None, None, None, False, issue, [])


@pytest.mark.parametrize("value", [None, "", "  ", "\t\n", "\u00a0", "\ufeff"])
def test_blank_is_no_issue(value: str | None) -> None:
    """A blank cell is no number and no damage."""
    found = normalize_phones(pl.Series([value], dtype=pl.String), "US")
    assert found.row(0) == (None, None, None, None, False, None, [])


def test_area_code_from_another_column() -> None:
    """Seven digits take the area code of their row; a whole number does not."""
    values = pl.Series(["555-2671", "2025550123", "555-2671", "+6281312345678"])
    areas = pl.Series(["(415)", "415", None, "415"])
    found = normalize_phones(values, "US", area_codes=areas, with_repairs=True)
    assert found["e164"].to_list() == [SF, DC, None, JAKARTA]
    assert found["repair"].to_list() == ["phone_area_code_added", None, None, None]


def test_result_has_the_agreed_columns() -> None:
    """Columns, types and order, also of a column without rows and of one of nulls."""
    schema = {
        "e164": pl.String, "extension": pl.String, "region": pl.String, "kind": pl.String,
        "is_valid": pl.Boolean, "issue": pl.String, "others": pl.List(pl.String),
    }  # fmt: skip
    assert normalize_phones(pl.Series([], dtype=pl.String), "US").schema == schema
    assert normalize_phones(pl.Series([None, None]), "US").schema == schema
    kinds = normalize_phones(pl.Series(["+18002345678", JAKARTA]), " id ")["kind"]
    assert kinds.to_list() == ["toll_free", "mobile"]


def test_patterns_match_as_re_does() -> None:
    """On every pattern of the metadata, the automaton and the prefix matcher agree with `re`."""
    regions = sorted(phonenumbers.SUPPORTED_REGIONS)
    digits = samples.generated(400, 7)["value"].str.replace_all("[^0-9]", "")
    numbers = [number for number in digits if 2 <= len(number) <= 17]
    for region in regions:
        country = metadata.metadata_of(region)
        general = metadata.general_desc(country).national_number_pattern or ""
        example = phonenumbers.example_number(region)
        own = [phonenumbers.national_significant_number(example)] if example else []
        automaton = automata.Automaton([general])
        for number in (*numbers[:40], *own):
            state = automaton.start
            for digit in number:
                state = automaton.step(state, int(digit))
            assert automaton.matched(state)[0] == bool(re.fullmatch(general, number))
        for pattern in filter(
            None, (country.national_prefix_for_parsing, country.international_prefix)
        ):
            for number in (*numbers, *(f"0{n}" for n in own)):
                parsed = patterns.parse_pattern(pattern)
                ours = patterns.match_start(parsed, patterns.Number(number, 0))
                theirs = re.match(pattern, number)
                assert (ours is None) == (theirs is None)
                if ours and theirs:
                    spans = {i: theirs.span(i) for i in range(1, parsed.groups + 1)}
                    assert ours[0] == theirs.end()
                    assert dict(ours[1]) == {i: s for i, s in spans.items() if s != (-1, -1)}


@pytest.mark.parametrize("pattern", ["(?=1)2", "a", "1{2}?", "(12", "12)", r"\D"])
def test_unknown_pattern_is_left_to_the_library(pattern: str) -> None:
    """A construct that metadata never had is refused, not guessed at."""
    with pytest.raises(patterns.UnsupportedPatternError):
        patterns.parse_pattern(pattern)


def test_range_that_cannot_be_compiled_is_slow() -> None:
    """A table whose rules cannot be read answers nothing, and says so."""

    def refuse(_start: int, prefix: str) -> list[rules.Run]:
        raise patterns.UnsupportedPatternError(prefix)

    table = tables.RangeTable([(10, 20, "x")], refuse)
    numbers = pl.Series([15] * tables.ROWS_WORTH_COMPILING)
    assert (table.look_up(numbers).code == rules.SLOW).all()


@given(
    st.lists(st.text(st.sampled_from("\0 1+-\u0661\u200e\uff0b\u2212\u00a0\ufeffx"), max_size=9))
)
def test_texts_are_tidied_alike_whether_others_are_odd_or_not(texts: list[str]) -> None:
    """That most are ASCII is a matter of speed alone."""
    together = pl.DataFrame({"text": [*texts, None]}, {"text": pl.String})
    tidied = together.select(cells.tidy(pl.col("text")))["text"].to_list()
    plain = str.maketrans(cells._characters())
    marks = "=\"'`\u2018\u2019\u201c\u201d \t\r\n"
    assert tidied == [*(text.translate(plain).strip(marks) for text in texts), None]
