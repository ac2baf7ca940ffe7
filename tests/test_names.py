"""Names: case, titles, order, and what stays whole because nobody can know."""

import unicodedata

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.issues import ISSUES
from transforms.names import _normalize_odd, normalize_names
from transforms.names.parts import repair_case

FIELDS = ["first_name", "middle_name", "last_name", "full_name"]
Row = dict[str, str | None]


def normalize(**fields: str | None) -> Row:
    """One row in; what is not null comes out, but for full_name."""
    row = {name: [fields.get(name)] for name in FIELDS}
    read = normalize_names(pl.DataFrame(row, schema=dict.fromkeys(FIELDS, pl.String)))
    assert read["full_name"].item() == ((fields.get("full_name") or "").strip() or None)
    named = read.drop("full_name").row(0, named=True)
    return {name: value for name, value in named.items() if value is not None}


def repair(name: str, *, is_last: bool = True) -> str:
    column = pl.DataFrame({"name": [name]})
    return str(column.select(repair_case(pl.col("name"), is_last=is_last)).item())


@pytest.mark.parametrize(
    ("written", "repaired"),
    [
        ("SMITH", "Smith"), ("smith", "Smith"), ("MCDONALD", "McDonald"), ("mcgee", "McGee"),
        ("MACDONALD", "MacDonald"), ("MACHADO", "Machado"), ("MACIAS", "Macias"),
        ("O'BRIEN", "O'Brien"), ("o’neill", "O’Neill"), ("D'ANGELO", "D'Angelo"),
        ("DE LA CRUZ", "de la Cruz"), ("de los santos", "de los Santos"),
        ("VAN DER BERG", "van der Berg"), ("VON NEUMANN", "von Neumann"),
        ("DA SILVA", "da Silva"), ("BIN ABDULLAH", "bin Abdullah"), ("DI MAGGIO", "Di Maggio"),
        ("SMITH-JONES", "Smith-Jones"), ("SMITH-MCDONALD", "Smith-McDonald"),
        ("ORTEGA Y GASSET", "Ortega y Gasset"), ("NÚÑEZ", "Núñez"), ("ÖZGÜR", "Özgür"),
        ("ИВАНОВ", "Иванов"), ("NG", "Ng"), ("VAN", "Van"), ("a", "A"),
        ("Smith", "Smith"), ("McDonald", "McDonald"), ("deVries", "deVries"),
        ("LaToya", "LaToya"), ("王", "王"), ("محمد", "محمد"),
    ],
)  # fmt: skip
def test_case_of_last_names(written: str, repaired: str) -> None:
    """Only a name all in capitals or all in small letters is given others."""
    assert repair(written) == repaired


@pytest.mark.parametrize(
    ("written", "repaired"),
    [
        ("TJ", "TJ"), ("JD", "JD"), ("AL", "Al"), ("J.R.", "J.R."), ("MARY ANN", "Mary Ann"),
        ("JEAN-PAUL", "Jean-Paul"), ("MARIA DEL CARMEN", "Maria del Carmen"), ("VAN", "Van"),
        ("DE ANDRE", "De Andre"), ("de'andre", "De'Andre"), ("tj", "Tj"),
    ],
)  # fmt: skip
def test_case_of_first_names(written: str, repaired: str) -> None:
    """Two consonants in capitals are initials; the first word is never a particle."""
    assert repair(written, is_last=False) == repaired


@pytest.mark.parametrize(
    ("full_name", "expected"),
    [
        ("John Smith", {"first_name": "John", "last_name": "Smith"}),
        ("JOHN Q SMITH", {"first_name": "John", "middle_name": "Q", "last_name": "Smith"}),
        ("Smith, John", {"first_name": "John", "last_name": "Smith"}),
        ("Smith , John A.", {"first_name": "John", "middle_name": "A.", "last_name": "Smith"}),
        ("de la Cruz, María José",
         {"first_name": "María", "middle_name": "José", "last_name": "de la Cruz"}),
        ("maria de la cruz", {"first_name": "Maria", "last_name": "de la Cruz"}),
        ("Jan van der Berg", {"first_name": "Jan", "last_name": "van der Berg"}),
        ("John Smith Jr.", {"first_name": "John", "last_name": "Smith", "suffix": "Jr"}),
        ("John Smith, Jr.", {"first_name": "John", "last_name": "Smith", "suffix": "Jr"}),
        ("John Smith III, M.D.", {"first_name": "John", "last_name": "Smith", "suffix": "III MD"}),
        ("John Smith 3rd", {"first_name": "John", "last_name": "Smith", "suffix": "III"}),
        ("Smith Jr., John", {"first_name": "John", "last_name": "Smith", "suffix": "Jr"}),
        ("Smith, Jr., John", {"first_name": "John", "last_name": "Smith", "suffix": "Jr"}),
        ("Smith, John, MD", {"first_name": "John", "last_name": "Smith", "suffix": "MD"}),
        ("Dr. Jane Doe", {"honorific": "Dr", "first_name": "Jane", "last_name": "Doe"}),
        ("Doe, Dr. Jane", {"honorific": "Dr", "first_name": "Jane", "last_name": "Doe"}),
        ("Prof. Dr. Jane Doe, Ph.D.",
         {"honorific": "Prof Dr", "first_name": "Jane", "last_name": "Doe", "suffix": "PhD"}),
        ("Sr. Juan Pérez", {"honorific": "Sr", "first_name": "Juan", "last_name": "Pérez"}),
        ("Kim Do", {"first_name": "Kim", "last_name": "Do"}),
        ("Yo-Yo Ma", {"first_name": "Yo-Yo", "last_name": "Ma"}),
        ("Nguyễn Ân", {"first_name": "Nguyễn", "last_name": "Ân"}),
    ],
)  # fmt: skip
def test_split(full_name: str, expected: Row) -> None:
    """A full name of plain form is taken apart; words change places only over a comma."""
    read = normalize(full_name=full_name)
    read.pop("name_key")
    assert read == expected


@pytest.mark.parametrize(
    ("full_name", "issue"),
    [
        ("Cher", "name_unsplit"),
        ("Mr. Smith", "name_unsplit"),
        ("Juan Carlos García López", "name_unsplit"),
        ("王小明", "name_unsplit"),
        ("王 小明", "name_unsplit"),
        ("김 민준", "name_unsplit"),
        ("Smith, John, Paul, George", "name_unsplit"),
        ("Acme, Inc.", "name_is_business"),
        ("Trader Joe's LLC", "name_is_business"),
        ("Smith Family Trust", "name_is_business"),
        ("John & Mary Smith", "name_several_people"),
        ("John and Mary Smith", "name_several_people"),
        ("john@example.com", "name_has_digits"),
        ("John Smith 415 555", "name_has_digits"),
    ],
)
def test_kept_whole(full_name: str, issue: str) -> None:
    """What cannot be split for certain stays whole, with an issue and a key."""
    read = normalize(full_name=full_name)
    assert read.pop("name_key")
    assert read.pop("issue") == issue
    assert read.keys() <= {"honorific", "suffix"}
    assert issue in ISSUES


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"first_name": "JOHN", "last_name": "SMITH JR"},
         {"first_name": "John", "last_name": "Smith", "suffix": "Jr"}),
        ({"first_name": "John Jr.", "last_name": "Smith"},
         {"first_name": "John", "last_name": "Smith", "suffix": "Jr"}),
        ({"first_name": "John", "last_name": "Smith, MD"},
         {"first_name": "John", "last_name": "Smith", "suffix": "MD"}),
        ({"first_name": "John", "last_name": "Smith", "full_name": "Doe, Jane"},
         {"first_name": "John", "last_name": "Smith"}),
        ({"first_name": "Dr.", "last_name": "Smith"}, {"honorific": "Dr", "last_name": "Smith"}),
        ({"first_name": "Dr. Jane", "last_name": "Doe"},
         {"honorific": "Dr", "first_name": "Jane", "last_name": "Doe"}),
        ({"last_name": "Smith, John"}, {"first_name": "John", "last_name": "Smith"}),
        ({"first_name": "Smith, John"}, {"first_name": "John", "last_name": "Smith"}),
        ({"first_name": "John Smith"}, {"first_name": "John Smith"}),
        ({"first_name": "Li", "last_name": "Xiu Ying"},
         {"first_name": "Li", "last_name": "Xiu Ying"}),
        ({"first_name": "j", "middle_name": "q", "last_name": "public"},
         {"first_name": "J", "middle_name": "Q", "last_name": "Public"}),
        ({"first_name": "  Mary \u00a0Ann\u200b ", "last_name": " "}, {"first_name": "Mary Ann"}),
        ({"first_name": "Unknown", "last_name": "Smith"},
         {"last_name": "Smith", "issue": "name_placeholder"}),
        ({"first_name": "no-name"}, {"issue": "name_placeholder"}),
        ({"first_name": "???", "last_name": "Smith"},
         {"last_name": "Smith", "issue": "name_unreadable"}),
        ({"first_name": "John1", "last_name": "SMITH"},
         {"first_name": "John1", "last_name": "SMITH", "issue": "name_has_digits"}),
        ({"first_name": "JOHN & MARY", "last_name": "SMITH"},
         {"first_name": "JOHN & MARY", "last_name": "SMITH", "issue": "name_several_people"}),
        ({"last_name": "Acme LLC"}, {"last_name": "Acme LLC", "issue": "name_is_business"}),
        ({"last_name": "a, b, c"}, {"last_name": "a, b, c", "issue": "name_unsplit"}),
        ({"last_name": "Null"}, {"last_name": "Null"}),
        ({}, {}),
        (dict.fromkeys(FIELDS, ""), {}),
        (dict.fromkeys(FIELDS, " \u200b"), {}),
    ],
)  # fmt: skip
def test_fields(fields: Row, expected: Row) -> None:
    """Names that come in fields stay in them; titles leave, damage is said."""
    if "full_name" in fields:
        fields = fields | {"full_name": (fields["full_name"] or "").replace("\u200b", "")}
    read = normalize(**fields)
    read.pop("name_key", None)
    assert read == expected


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"first_name": "José", "last_name": "O’Brien-Núñez"}, "jose obrien nunez"),
        ({"first_name": "JOSE", "last_name": "OBRIEN NUNEZ"}, "jose obrien nunez"),
        ({"first_name": "John", "middle_name": "Q", "last_name": "Smith Jr"}, "john smith"),
        ({"full_name": "Smith, John"}, "john smith"),
        ({"last_name": "Smith"}, "smith"),
        ({"full_name": "王小明"}, "王小明"),
        ({}, None),
    ],
)
def test_name_keys(fields: Row, key: str | None) -> None:
    """Two spellings of one name have one key; a middle name or suffix does not part them."""
    assert normalize(**fields).get("name_key") == key


PIECES = st.sampled_from(
    ["John", "MARY", "van", "DER", "de", "la", "O'BRIEN", "mcdonald", "Smith", "Jr.", "III", "M.D.",
     "DO", "Dr.", "Mr", "Sr.", ",", ", ", "&", "and", "3rd", "José", "王", "TJ", "a", "LLC",
     "Unknown", "-", "...", "ß", "İ", "x1"]
)  # fmt: skip
NAMES = st.one_of(st.none(), st.lists(PIECES, max_size=6).map(" ".join), st.text(max_size=8))


@given(st.lists(st.tuples(NAMES, NAMES, NAMES, NAMES), max_size=25))
@settings(max_examples=120, deadline=None)
def test_idempotence(rows: list[tuple[str | None, ...]]) -> None:
    """Names that are read again give themselves, and the same key."""
    frame = pl.DataFrame(rows, schema=dict.fromkeys(FIELDS, pl.String), orient="row")
    once = normalize_names(frame)
    again = normalize_names(once.select(FIELDS))
    same = [*FIELDS, "name_key"]
    assert again.select(same).rows() == once.select(same).rows()


WORDS = st.sampled_from(
    ["John", "Mary Ann", "Smith-Jones", "Van Dyke", "Jr", "Md", "Miss Jane", "Null", "Co", "A",
     "Unknown", "No Name", "Nona", "Trust", "Sir", "And", "Doctor", "Junior", "José María",
     "Müller-Weiß", "Émd", "Mère Md", "Ørsted Jr", "É", "Łukasz", None]
)  # fmt: skip


@given(st.lists(st.tuples(WORDS, WORDS, WORDS, WORDS), max_size=40))
@settings(max_examples=60, deadline=None)
def test_short_cut_changes_nothing(rows: list[tuple[str | None, ...]]) -> None:
    """Plain names that are passed through are as the long way leaves them."""
    frame = pl.DataFrame(rows, schema=dict.fromkeys(FIELDS, pl.String), orient="row")
    assert normalize_names(frame).rows() == _normalize_odd(frame).rows()


@given(st.lists(st.tuples(NAMES, NAMES, NAMES, NAMES), max_size=8))
@settings(max_examples=100, deadline=None)
def test_no_letter_is_lost(rows: list[tuple[str | None, ...]]) -> None:
    """Where nothing is an issue, every letter of a name is in a name, title or suffix."""
    frame = pl.DataFrame(rows, schema=dict.fromkeys(FIELDS, pl.String), orient="row")
    read = normalize_names(frame)
    assert read.height == frame.height
    for before, after in zip(frame.iter_rows(), read.iter_rows(named=True), strict=True):
        if after["issue"] is None and after["suffix"] is None and after["honorific"] is None:
            given_names = [name for name in before[:3] if name and name.strip()]
            source = given_names or [before[3] or ""]
            kept = [after[name] or "" for name in FIELDS[:3]]
            assert sorted(letters(" ".join(source))) == sorted(letters(" ".join(kept)))


def letters(text: str) -> list[str]:
    folded = unicodedata.normalize("NFC", text.casefold())
    return [letter for letter in folded if letter.isalpha()]
