"""Emails: the same answers as `email-validator`, and what is taken away in front of it."""

import random
import unicodedata

import email_validator
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.issues import ISSUES
from transforms.emails import key_emails, normalize_emails
from transforms.emails.providers import WELL_KNOWN, domain_typos
from transforms.emails.syntax import is_ascii_address, is_plain_address, read_addresses

CORPUS = [
    "jane.doe@example.com", "J@x.co", "o'brien+tag@mail.acme-corp.co.uk", "x_y@sub.example.org",
    "user@xn--bcher-kva.example", "josé@bücher.de", "a@b.c1", "a@1.2.com", "info@museum",
    "A" * 64 + "@example.com", "a@" + "b" * 63 + ".com", "a@" + "b" * 64 + ".com",
    "a@" + ".".join(["c" * 60] * 4) + ".com", "a" * 180 + "@" + "b" * 60 + "." + "c" * 11,
    '"q x"@e.com', '"plain"@e.com', "a@localhost", "a@foo.test", "a@foo.local", "a@x.invalid",
    "a@x.onion", "a@x.arpa", "a@ab--c.com", "a@a--b.com", "a@x.y-z", "a@-x.com", "a@x-.com",
    "a@.com", ".a@x.com", "a.@x.com", "a..b@x.com", "a@x..com", "a@@x.com", "a@[127.0.0.1]",
    "me@xn--80ak6aa92e.com", "me@xn--a.com", "用户@例子.广告", "अजय@डाटा.भारत", "a@א1.com",
    "user@host.example", "!#$%&'*+-/=?^_`{|}~@example.com", "a@b.c-d.e", "a@x.co.",
]  # fmt: skip
PIECES = [
    *"abcXYZ019.-_+@@.'\"<> ,;:()[]\\/!#$%&*=?^`{|}~\t\x00\x7f",
    *"éü。．＠ßİKſא中\u200b\u0301", "xn--", "--", ".test", ".example", ".com",
]  # fmt: skip


def mutate(seed: int, count: int) -> list[str]:
    """Distinct texts one to four slips away from the corpus."""
    draw = random.Random(seed)
    texts: dict[str, None] = {}
    while len(texts) < count:
        letters = list(draw.choice(CORPUS))
        for _ in range(draw.randint(1, 4)):
            place = draw.randrange(len(letters) + 1)
            width = draw.choice((0, 1, 1))
            letters[place : place + width] = draw.choice(([], [draw.choice(PIECES)]))
        texts["".join(letters).strip()] = None
    return list(texts)


def ask_library(text: str) -> str | None:
    try:
        parsed = email_validator.validate_email(text, check_deliverability=False)
    except email_validator.EmailNotValidError:
        return None
    return f"{parsed.local_part.lower()}@{parsed.ascii_domain}"


def nfkc(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def only(cell: str | None) -> dict[str, object]:
    return normalize_emails(pl.Series([cell], dtype=pl.String)).row(0, named=True)


@pytest.fixture(scope="module")
def texts() -> pl.Series:
    return pl.Series([*CORPUS, *mutate(seed=4, count=100_000)]).unique(maintain_order=True)


@pytest.fixture(scope="module")
def expected(texts: pl.Series) -> list[str | None]:
    # Twice, because lower case can make an address too long: `İ` has two bytes, `i̇` three.
    once = [ask_library(nfkc(text)) for text in texts]
    return [None if form is None else ask_library(form) for form in once]


def test_syntax_agrees_with_the_library(texts: pl.Series, expected: list[str | None]) -> None:
    """A text is an address, in the same form, exactly when email-validator says so (after NFKC)."""
    got = read_addresses(texts)
    differences = [row for row in zip(texts, got, expected, strict=True) if row[1] != row[2]]
    assert not differences
    assert sum(each is not None for each in expected) > 10_000


def test_both_fast_ways_agree_with_the_library(
    texts: pl.Series, expected: list[str | None]
) -> None:
    """What the expressions accept, the library accepts; of ASCII they refuse nothing it accepts."""
    frame = pl.DataFrame({"text": texts.str.to_lowercase(), "expected": expected}).with_columns(
        is_plain=is_plain_address(pl.col("text")),
        is_ascii=is_ascii_address(pl.col("text")),
        is_decided=~pl.col("text").str.contains(r"[^\x00-\x7f]|xn--"),
    )
    assert frame.filter("is_plain", pl.col("expected") != pl.col("text")).is_empty()
    assert frame.filter("is_plain", pl.col("expected").is_null()).is_empty()
    decided = frame.filter("is_decided")
    assert (decided["is_ascii"] == decided["expected"].is_not_null()).all()
    assert frame["is_plain"].sum() > 4_000


def test_cells_agree_with_the_library(texts: pl.Series, expected: list[str | None]) -> None:
    """A cell that is an address as it stands is read as such; else only parts of it are read."""
    read = normalize_emails(texts)
    columns = (read["address"].to_list(), read["others"].to_list())
    for text, address, others, wanted in zip(texts, *columns, expected, strict=True):
        if wanted is not None:
            assert (address, others) == (wanted, []), text
        elif address is not None:
            assert ask_library(address) == address, text
            assert len(address) <= len(nfkc(text)) or not text.isascii(), text


def test_every_code_has_its_sentence(texts: pl.Series) -> None:
    """No issue reaches an analyst without an explanation."""
    codes = (
        normalize_emails(texts.head(20_000), refuse_disposable=True)["issue"].drop_nulls().unique()
    )
    assert set(codes) <= ISSUES.keys()


@pytest.mark.parametrize(
    ("cell", "address"),
    [
        ("  jane@example.com\u00a0", "jane@example.com"),
        ("Jane@EXAMPLE.com", "jane@example.com"),
        ("mailto:jane@example.com", "jane@example.com"),
        ("MAILTO: jane@example.com?subject=Hi%20there", "jane@example.com"),
        ("Email: jane@example.com", "jane@example.com"),
        ("<jane@example.com>", "jane@example.com"),
        ("Jane Doe <jane@example.com>", "jane@example.com"),
        ('"Doe, Jane; PhD" <jane@example.com>', "jane@example.com"),
        ("jane@example.com (work)", "jane@example.com"),
        ("'jane@example.com'", "jane@example.com"),
        ('"jane@example.com"', "jane@example.com"),
        ("“jane@example.com”", "jane@example.com"),
        ("[jane@example.com](mailto:jane@example.com)", "jane@example.com"),
        ("jane@example.com.", "jane@example.com"),
        ("jane@example.com,", "jane@example.com"),
        ("jane@example.com;", "jane@example.com"),
        ("jane@example.com:", "jane@example.com"),
        ("\u200bjane@exam\u00adple.com\u202c", "jane@example.com"),
        ("ｊａｎｅ＠ｅｘａｍｐｌｅ．ｃｏｍ", "jane@example.com"),
        ("jane@bücher.example", "jane@xn--bcher-kva.example"),
        ("JOSÉ@example.com", "josé@example.com"),
        ("jose\u0301@example.com", "josé@example.com"),
    ],
)
def test_pre_cleaning(cell: str, address: str) -> None:
    """What stands around one address falls away without an issue."""
    read = only(cell)
    assert (read["address"], read["issue"], read["others"]) == (address, None, [])


@pytest.mark.parametrize(
    ("cell", "address", "others", "issue"),
    [
        ("a1@x.com;b1@x.com", "a1@x.com", ["b1@x.com"], None),
        ("a1@x.com, b1@x.com,", "a1@x.com", ["b1@x.com"], None),
        ("a1@x.com b1@x.com", "a1@x.com", ["b1@x.com"], None),
        ("a1@x.com/b1@x.com", "a1@x.com", ["b1@x.com"], None),
        ("a1@x.com|c/b1@x.com", "a1@x.com", ["c/b1@x.com"], None),
        ("a1@x.com and b1@x.com", "a1@x.com", ["b1@x.com"], None),
        ("a1@x.com\nb1@x.com\r\nc1@x.com", "a1@x.com", ["b1@x.com", "c1@x.com"], None),
        ("A1@x.com; a1@x.com", "a1@x.com", [], None),
        ('"Doe, J" <a1@x.com>, Bob B <b1@x.com>', "a1@x.com", ["b1@x.com"], None),
        ("a1@x.com; b1@x", "a1@x.com", [], "email_partly_invalid"),
        ("none; b1@x.com", "b1@x.com", [], "email_partly_invalid"),
        ("Jane: a1@x.com - Joe: b1@x.com", "a1@x.com", ["b1@x.com"], None),
        ("a1@x.com (b1@x.com)", "a1@x.com", ["b1@x.com"], None),
        ("a1@x.com (or b1@x.com)", "a1@x.com", ["b1@x.com"], None),
        ("a1@x.com; jane b1@x.com", "a1@x.com", [], "email_partly_invalid"),
        ("a1@x.com ask first", "a1@x.com", [], "email_partly_invalid"),
    ],
)
def test_several_in_one_cell(cell: str, address: str, others: list[str], issue: str | None) -> None:
    """The first address is the cell's, the others follow once each; a lost part is said."""
    read = only(cell)
    assert (read["address"], read["others"], read["issue"]) == (address, others, issue)


@pytest.mark.parametrize("cell", [None, "", "   ", "\u00a0\t", "\u200b"])
def test_blanks(cell: str | None) -> None:
    """A blank cell is no address and no issue."""
    assert only(cell) == {
        "address": None, "key": None, "issue": None, "suggestion": None, "others": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    "cell",
    [
        "n/a",
        "jane",
        "jane@",
        "@x.com",
        "jane@x",
        "4155552671",
        "a@x.com@y.com",
        "@" * 9_999,
        "jane smith@x.com",
        "Jane Smith smith@x.com",
    ],
)
def test_junk(cell: str) -> None:
    """What is no address is null with an issue."""
    read = only(cell)
    assert (read["address"], read["key"], read["issue"]) == (None, None, "email_invalid")


@pytest.mark.parametrize(
    ("cell", "suggestion", "issue"),
    [
        ("jane@gmial.com", "jane@gmail.com", "email_domain_typo"),
        ("jane@gmail.con", "jane@gmail.com", "email_domain_typo"),
        ("jane@gmial.con", "jane@gmail.com", "email_domain_typo"),
        ("jane@hotmial.com", "jane@hotmail.com", "email_domain_typo"),
        ("jane@yaho.com", "jane@yahoo.com", "email_domain_typo"),
        ("jane@acme.con", "jane@acme.com", "email_domain_typo"),
        ("jane@gmail,com", "jane@gmail.com", "email_invalid"),
        ("jane@gmail..com", "jane@gmail.com", "email_invalid"),
        ("jane @ gmail.com", "jane@gmail.com", "email_invalid"),
        ("jane at gmail dot com", "jane@gmail.com", "email_invalid"),
        ("jane[at]acme.com", "jane@acme.com", "email_invalid"),
        ("jane@gmail", None, "email_invalid"),
        ("jane@mail.com", None, None),
        ("jane@ymail.com", None, None),
        ("jane@email.com", None, None),
        ("jane@acme.co", None, None),
    ],
)
def test_suggestions(cell: str, suggestion: str | None, issue: str | None) -> None:
    """A slip is pointed out and never mended: the address stays what was written."""
    read = only(cell)
    assert (read["suggestion"], read["issue"]) == (suggestion, issue)
    assert read["address"] in (None, cell)


def test_no_well_known_domain_is_doubted() -> None:
    """A provider's own domain is never called a misspelling of another's."""
    assert not domain_typos().keys() & set(WELL_KNOWN)


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("j.a.n.e+news@gmail.com", "jane@gmail.com"),
        ("jane@googlemail.com", "jane@gmail.com"),
        ("j.ane+a+b@googlemail.com", "jane@gmail.com"),
        ("+news@gmail.com", "+news@gmail.com"),
        ("jane+news@outlook.com", "jane@outlook.com"),
        ("ja.ne@outlook.com", "ja.ne@outlook.com"),
        ("jane+x@icloud.com", "jane@icloud.com"),
        ("jane+x@proton.me", "jane@proton.me"),
        ("jane+x@fastmail.com", "jane@fastmail.com"),
        ("jane+x@yahoo.com", "jane+x@yahoo.com"),
        ("ja.ne+x@acme.com", "ja.ne+x@acme.com"),
        ("jane+x@notgmail.com", "jane+x@notgmail.com"),
        ("j.ane@mail.gmail.com", "j.ane@mail.gmail.com"),
        ("jane@example.com", "jane@example.com"),
        ("jane@acme.example", "jane@acme.example"),
        ("test@test.com", None),
        ("none@none.com", None),
        ("noemail@anything.org", None),
        ("jane@noemail.com", None),
        ("no.ne+1@gmail.com", None),
        ("abc@abc.com", None),
        ("jane@abc.com", "jane@abc.com"),
        ("contest@testing.example", "contest@testing.example"),
        (None, None),
    ],
)
def test_keys(address: str | None, key: str | None) -> None:
    """Spellings of one mailbox share a key where its provider says so, and nowhere else."""
    assert key_emails(pl.Series([address], dtype=pl.String)).to_list() == [key]


@pytest.mark.parametrize("cell", ["test@test.com", "None@None.com", "noreply@acme.com"])
def test_placeholders(cell: str) -> None:
    """A stand-in is kept and said, and identifies nobody."""
    read = only(cell)
    assert (read["address"], read["key"], read["issue"]) == (
        cell.lower(), None, "email_placeholder",
    )  # fmt: skip


def test_disposable_domains_are_refused_only_on_request() -> None:
    """A throw-away address is emptied, also among the others, if the import says so."""
    cells = pl.Series(["jane@mailinator.com", "jane@acme.com; jane@mailinator.com"])
    assert normalize_emails(cells)["address"].to_list() == ["jane@mailinator.com", "jane@acme.com"]
    strict = normalize_emails(cells, refuse_disposable=True)
    assert strict["address"].to_list() == [None, "jane@acme.com"]
    assert strict["issue"].to_list() == ["email_disposable", None]
    assert strict["others"].to_list() == [[], []]


@pytest.mark.parametrize("cells", [[], [None], ["a1@x.com"], ["junk"], ["Jo <a1@x.com>", None]])
def test_columns_never_differ(cells: list[str | None]) -> None:
    """The schema is the same for an empty, a blank, a clean and a damaged column."""
    read = normalize_emails(pl.Series("mail", cells, dtype=pl.String))
    assert read.height == len(cells)
    assert read.schema == {
        "address": pl.String, "key": pl.String, "issue": pl.String, "suggestion": pl.String,
        "others": pl.List(pl.String),
    }  # fmt: skip


def test_input_is_left_alone() -> None:
    """The column that was handed in still holds what it held."""
    cells = pl.Series(["j.ane+x@gmail.com", "Jo <j.o@gmail.com>", "test@test.com", None])
    before = cells.to_list()
    read = normalize_emails(cells)
    key_emails(read["address"])
    assert cells.to_list() == before
    assert read["address"].to_list() == [
        "j.ane+x@gmail.com", "j.o@gmail.com", "test@test.com", None,
    ]  # fmt: skip


CELLS = st.one_of(
    st.sampled_from(CORPUS),
    st.sampled_from(mutate(seed=9, count=3_000)),
    st.text(st.sampled_from("aß.@+,;<> \"'(İﬁſ/|-")),
    st.emails(),
)


@given(st.lists(CELLS, max_size=20))
@settings(max_examples=80, deadline=None)
def test_idempotence(cells: list[str]) -> None:
    """A normal form is its own normal form, and a key its own key."""
    once = normalize_emails(pl.Series(cells, dtype=pl.String))
    twice = normalize_emails(once["address"])
    assert twice["address"].to_list() == once["address"].to_list()
    assert twice["key"].to_list() == once["key"].to_list()
    assert key_emails(once["key"]).to_list() == once["key"].to_list()
    others = once["others"].explode().drop_nulls()
    assert normalize_emails(others)["address"].to_list() == others.to_list()


@given(st.lists(CELLS, max_size=20), st.integers(0, 20))
@settings(max_examples=40, deadline=None)
def test_chunks_do_not_matter(cells: list[str], cut: int) -> None:
    """A column read in two pieces reads like the whole."""
    column = pl.Series(cells, dtype=pl.String)
    pieces = pl.concat([normalize_emails(column[:cut]), normalize_emails(column[cut:])])
    assert pieces.equals(normalize_emails(column))
