"""Landing: copied in by content."""

import hashlib
from pathlib import Path

import pytest

from contracts.errors import UnreadableFileError, WrongCallError
from flows.landing import check_path, land


def test_the_same_content_lands_once(tmp_path: Path) -> None:
    """Two names of one content are one landed file, named by its hash and closed to others."""
    landing = tmp_path / "landing"
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_bytes(b"phone\n1\n")
    batches = [land(tmp_path / name, landing) for name in ("a.csv", "b.csv")]
    digest = hashlib.sha256(b"phone\n1\n").hexdigest()
    assert [(b.file_name, b.sha256, b.size_bytes) for b in batches] == [
        ("a.csv", digest, 8),
        ("b.csv", digest, 8),
    ]
    assert [path.name for path in landing.iterdir()] == [f"{digest}.csv"]
    assert batches[0].path.read_bytes() == b"phone\n1\n"
    assert batches[0].path.stat().st_mode & 0o777 == 0o600


def test_an_empty_file_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    """There is nothing to land."""
    (tmp_path / "a.csv").touch()
    with pytest.raises(UnreadableFileError, match=r"'a\.csv' is empty"):
        land(tmp_path / "a.csv", tmp_path / "landing")
    assert list((tmp_path / "landing").iterdir()) == []


@pytest.mark.parametrize(("name", "message"), [("none.csv", "no file"), (".", "not a file")])
def test_a_path_without_a_file_is_a_wrong_call(tmp_path: Path, name: str, message: str) -> None:
    """A missing file and a folder are each told as what they are."""
    with pytest.raises(WrongCallError, match=message):
        check_path(tmp_path / name)
