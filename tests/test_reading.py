"""Reading: every record of the file, with its line and its bytes."""

from pathlib import Path

import pytest

from contracts.errors import UnreadableFileError
from flows.landing import Batch, land
from flows.reading import read, read_bytes


def batch_of(content: bytes, folder: Path) -> Batch:
    path = folder / "file.csv"
    path.write_bytes(content)
    return land(path, folder / "landing")


@pytest.mark.parametrize("chunk_rows", [1, 2, 1000])
def test_rows_carry_their_physical_line_and_bytes(tmp_path: Path, chunk_rows: int) -> None:
    """A quoted line break, a blank line and CRLF do not put the line numbers out."""
    content = b'a,b\r\n1,"x\r\ny"\r\n\r\n2,\xc3\xa9\r\n3,z'
    batch = batch_of(content, tmp_path)
    chunks = list(read(batch, chunk_rows))
    rows = [row for chunk in chunks for row in chunk.rows.iter_rows()]
    assert [(row[0], *row[3:]) for row in rows] == [
        (2, "1", "x\r\ny"),
        (5, "2", "é"),
        (6, "3", "z"),
    ]
    found = [raw for chunk in chunks for raw in read_bytes(batch, chunk.rows)]
    assert found == [b'1,"x\r\ny"\r\n', b"2,\xc3\xa9\r\n", b"3,z"]
    assert all(len(chunk.rows) <= chunk_rows for chunk in chunks)


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (b"1\n", "too_few_fields"),
        (b"1,2,3\n", "too_many_fields"),
        (b"1,\xff\n", "undecodable_bytes"),
        (b"1,\x00\n", "control_characters"),
        (b"1,\x1f\n", "control_characters"),
    ],
)
def test_a_damaged_record_is_rejected_alone(tmp_path: Path, record: bytes, code: str) -> None:
    """It keeps its line and its bytes; the records around it are rows."""
    (chunk,) = read(batch_of(b"a,b\n7,8\n" + record + b"9,0\n", tmp_path))
    assert chunk.rows.select("line_no", "a", "b").rows() == [(2, "7", "8"), (4, "9", "0")]
    assert chunk.rejects.rows() == [(3, code, record, "utf-8")]


def test_columns_get_names_that_tell_them_apart(tmp_path: Path) -> None:
    """A byte order mark, blanks, a nameless and a repeated column."""
    (chunk,) = read(batch_of(b"\xef\xbb\xbf a ,,a,a\n1,2,3,4\n", tmp_path))
    assert chunk.rows.columns[3:] == ["a", "column_2", "a (2)", "a (3)"]


@pytest.mark.parametrize("content", [b"a,b\n", b"a,b", b"a,b\n\n\n"])
def test_a_header_without_rows_is_refused(tmp_path: Path, content: bytes) -> None:
    """Nothing to import is said, not passed over."""
    with pytest.raises(UnreadableFileError, match="a header but no rows"):
        list(read(batch_of(content, tmp_path)))
