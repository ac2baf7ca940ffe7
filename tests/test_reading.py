"""What reading promises: every record once, damage alone rejected, text as it came."""

import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from flows.landing import land
from flows.reading import ReadingHints, csv_reading, encodings, read
from tests.files import Read, Written, read_bytes
from tests.reading_corpus import CASES, JSON_CASES, Case, crossed_cases

CROSSED = crossed_cases()


def _name(case: Case) -> str:
    return case.name


def _check(found: Read, case: Case) -> None:
    assert found.rows == case.rows
    assert found.rejects == case.rejects
    if case.columns is not None:
        assert found.layout.columns == case.columns


@pytest.mark.parametrize("case", CASES, ids=_name)
@pytest.mark.parametrize("is_careful", [False, True], ids=["fast", "careful"])
def test_corpus(case: Case, is_careful: bool) -> None:
    """A file gives exactly its rows and rejects, each with its line, on either path."""
    _check(read_bytes(case.content, case.hints, is_careful=is_careful), case)


def test_totals_are_found_however_many_records_begin_with_a_blank() -> None:
    """Of many such records the text is looked at before their cells."""
    rows = [f",Ann{number},Rome\n" for number in range(1_500)]
    content = "id,name,city\n" + "".join(rows) + ",Total,1500\n" + ",Bob,Oslo\n"
    found = read_bytes(content.encode())
    assert found.rejects == [(1_502, "not_a_record")]
    assert len(found.rows) == 1_501


@pytest.mark.parametrize("case", JSON_CASES, ids=_name)
def test_json_corpus(case: Case) -> None:
    """A JSON file gives exactly its rows and rejects, each with its line."""
    _check(read_bytes(case.content, case.hints), case)


@pytest.mark.parametrize("case", CROSSED, ids=_name)
def test_crossed_corpus(case: Case) -> None:
    """No pair of encoding, dialect, line end and damage is read wrongly."""
    _check(read_bytes(case.content, case.hints), case)


def test_corpus_size() -> None:
    """The corpus has at least 120 files."""
    assert len(CASES) + len(JSON_CASES) + len(CROSSED) >= 120


@pytest.mark.parametrize("case", [*CASES, *CROSSED], ids=_name)
def test_raw_bytes(case: Case) -> None:
    """A record's offset and length give its original bytes; no two records overlap."""
    found = read_bytes(case.content, case.hints)
    kept = [case.content[at : at + size] for at, size in found.places]
    assert all(raw in kept for raw in found.raws)
    spans = sorted((at, at + size) for at, size in found.places)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))


# --- Properties ---------------------------------------------------------------------------------

WRITTEN = [
    Written(delimiter, quote, escape, line_end, quotes_all)
    for delimiter in ",;\t|"
    for quote, escape in [('"', ""), ('"', "\\"), ("'", ""), ("", "")]
    for line_end in ("\n", "\r\n")
    for quotes_all in ((False, True) if quote else (False,))
]
HEADER = ("key", "first", "last", "remark")
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"]
LETTERS = "abcXYZ 019.-@éüñŠ"
quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _cells(written: Written) -> st.SearchStrategy[str]:
    """Whatever the dialect can carry. What cannot be told apart by anybody is left out."""
    alphabet = LETTERS + ",;|'\""
    if written.quote:
        alphabet += "\n\t" + written.delimiter + written.quote
    else:
        alphabet = "".join(c for c in alphabet if c not in (written.delimiter, '"', "'"))
    if written.escape:
        alphabet += "\\"
    return st.text(alphabet, max_size=8)


@st.composite
def tables(draw: st.DrawFn) -> tuple[Written, str, list[tuple[str, ...]]]:
    """A table, and how and in which encoding it is written."""
    written = draw(st.sampled_from(WRITTEN))
    encoding = draw(st.sampled_from(ENCODINGS))
    cell = _cells(written)
    # The key keeps a record from being blank, a total or the header again.
    row = st.tuples(st.from_regex(r"[1-9][0-9]{0,5}", fullmatch=True), cell, cell, cell)
    return written, encoding, draw(st.lists(row, min_size=1, max_size=12))


def _hints(written: Written) -> ReadingHints:
    return ReadingHints(quote=written.quote, escape=written.escape, has_header=True)


@quick
@given(tables())
def test_reading_gives_back_what_was_written(
    case: tuple[Written, str, list[tuple[str, ...]]],
) -> None:
    """Whatever table a dialect and an encoding can carry comes back exactly."""
    written, encoding, rows = case
    content = written.table([HEADER, *rows]).encode(encoding)
    hints = ReadingHints(
        encoding=encoding if encoding in ("cp1252", "utf-16-be") else None,
        quote=written.quote,
        escape=written.escape,
    )
    found = read_bytes(content, hints)
    assert found.cells == rows
    assert found.rejects == []


DAMAGES = ["more", "fewer", "open", "nul", "control", "return", "bytes"]


def _break(written: Written, row: tuple[str, ...], damage: str) -> bytes:
    quote, delimiter = written.quote, written.delimiter
    if damage == "open":
        return delimiter.join((row[0], quote + "open", *map(written.cell, row[2:]))).encode()
    line = {
        "more": written.row((*row, "STOP")),
        "fewer": written.row(row[:2]),
        "nul": written.row((row[0], "a\x00b", *row[2:])),
        "control": written.row((row[0], "a\x0bb", *row[2:])),
        "return": delimiter.join((row[0], "a\rb", *map(written.cell, row[2:]))),
        "bytes": written.row((row[0], "a?b", *row[2:])),
    }[damage]
    return line.encode().replace(b"a?b", b"a\xffb")


@st.composite
def damaged_tables(
    draw: st.DrawFn,
) -> tuple[Written, list[tuple[str, str, str, str]], int, str]:
    """A table, how it is written, and which of its records is damaged how."""
    written = draw(st.sampled_from([w for w in WRITTEN if w.quote and not w.escape]))
    # Cells neither begin nor end with what could be taken for a field's border: a quote left
    # open right before such a cell closes there in good order, and nobody could tell.
    inner = st.text(LETTERS + "\n" + written.delimiter + written.quote, max_size=6)
    cell = st.one_of(st.text(LETTERS, max_size=5), inner.map(lambda text: f"x{text}x"))
    row = st.tuples(st.from_regex(r"[1-9][0-9]{0,5}", fullmatch=True), cell, cell, cell)
    rows = draw(st.lists(row, min_size=3, max_size=9))
    return written, rows, draw(st.integers(0, len(rows) - 2)), draw(st.sampled_from(DAMAGES))


@quick
@given(damaged_tables(), st.booleans())
def test_damage_costs_exactly_its_record(
    case: tuple[Written, list[tuple[str, str, str, str]], int, str], is_careful: bool
) -> None:
    """Damage to one record rejects that record, with its bytes, and leaves all others equal."""
    written, rows, at, damage = case
    end = written.line_end.encode()
    lines = [written.row(row).encode() for row in [HEADER, *rows]]
    lines[at + 1] = _break(written, rows[at], damage)
    hints = ReadingHints(
        delimiter=written.delimiter, quote=written.quote, escape="", encoding="utf-8", header_line=1
    )
    found = read_bytes(end.join([*lines, b""]), hints, is_careful=is_careful)
    assert found.cells == rows[:at] + rows[at + 1 :]
    assert found.raws == [lines[at + 1]]
    line_no = 1 + sum(line.count(b"\n") + 1 for line in lines[: at + 1])
    assert [line for line, _ in found.rejects] == [line_no]


JUNK = st.lists(
    st.sampled_from(
        [b"1,a,b", b"id,name,x", b'2,"c","d"', b'"', b'""', b",", b"\n", b"\r\n", b"\r", b"x", b" ",
         b"\x00", b"\x0b", b"\xff", "é".encode(), "Ã©".encode(), b"Total", b",,\n", b"\n3,e,f\n",
         b'\n4,"g\nh",i\n', b"\\", b'5,"j""k",l\n', b"\n6,m,n,\n", b"---", b"a b c d\n"]
    ),
    max_size=25,
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(JUNK, st.sampled_from(["", "\\"]), st.sampled_from(["utf-8", "utf-16-le", "cp1252"]))
@example([b"1,a,b", b"\n", b'2,"c","d"', b"\n", b'"'], "", "utf-8")
def test_both_paths_agree(parts: list[bytes], escape: str, encoding: str) -> None:
    """The fast path says exactly what the careful path says, on any input."""
    content = b"id,name,x\n" + b"".join(parts)
    if encoding == "utf-16-le":
        content = content.decode("latin-1").encode("utf-16-le")
    hints = ReadingHints(encoding=encoding, delimiter=",", quote='"', escape=escape, header_line=1)
    fast = read_bytes(content, hints)
    careful = read_bytes(content, hints, is_careful=True)
    assert fast == careful


@settings(max_examples=200, deadline=None)
@given(JUNK, st.integers(40, 400), st.integers(2, 16))
def test_blocks_do_not_matter(parts: list[bytes], block_bytes: int, steps: int) -> None:
    """Where a file is cut into blocks, and a block into steps, changes nothing."""
    content = b"id,name,x\n" + b"".join(parts * 3)
    hints = ReadingHints(encoding="utf-8", delimiter=",", quote='"', escape="", header_line=1)
    whole = read_bytes(content, hints)
    with pytest.MonkeyPatch.context() as patch:
        defaults = csv_reading.CsvReader.__init__.__defaults__
        assert defaults is not None
        patch.setattr(
            csv_reading.CsvReader.__init__,
            "__defaults__",
            (defaults[0], block_bytes, *defaults[2:]),
        )
        patch.setattr(csv_reading, "_STEP_BYTES", block_bytes // steps)
        assert read_bytes(content, hints) == whole


def test_issues_stand_with_their_rows_whatever_the_chunks(tmp_path: Path) -> None:
    """Cells of several columns are looked at column by column, and told line by line."""
    text = (
        "Name,City,Phone\nAnn,M\u00c3\u00bcnchen,1\nBob,Bonn,2\nZo\u00c3\u00ab,Kiel,3\nEve,Ulm,4\n"
    )
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    (batch,) = land(tmp_path / "a.csv", tmp_path / "landing")
    for size in (1, 2, 50):
        chunks = list(read(batch, chunk_rows=size).chunks())
        told = [row for chunk in chunks for row in chunk.issues["line_no", "column"].rows()]
        assert told == [(2, "City"), (4, "Name")]
        for chunk in chunks:
            assert set(chunk.issues["line_no"]) <= set(chunk.rows["line_no"])


@example([b"\xc3", b"a", b"\xa9"], 1)
@given(
    st.lists(
        st.sampled_from(
            [b"ascii,", b"\n", b"\r\n", "\u00e9".encode(), "\u20ac".encode(), b"\xe9", b"\xe2"]
        )
        | st.binary(max_size=4),
        max_size=12,
    ),
    st.integers(1, 7),
)
def test_whether_all_of_a_file_is_utf8_does_not_depend_on_its_blocks(
    parts: list[bytes], block_bytes: int
) -> None:
    """A letter may be cut in two by the end of a block, or by that of the file."""
    content = b"".join(parts)
    try:
        content.decode("utf-8")
        expected = True
    except UnicodeDecodeError:
        expected = False
    with tempfile.NamedTemporaryFile() as file, pytest.MonkeyPatch.context() as patch:
        file.write(content)
        file.flush()
        patch.setattr(encodings, "_BLOCK_BYTES", block_bytes)
        assert encodings._is_utf8(Path(file.name)) == expected
