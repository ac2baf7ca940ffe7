"""What landing promises: content-addressed, atomic, limited, and plain words when it refuses."""

import errno
import gzip
import hashlib
import io
import os
import stat
import zipfile
from pathlib import Path

import pytest
from backports import zstd

import flows.landing
from contracts.errors import (
    FileNotStableError,
    UnreadableFileError,
    UnsafeArchiveError,
    WrongCallError,
)
from flows.landing import land
from flows.unpacking import Limits

CSV = b"id,name\n1,Ann\n"


def _file(folder: Path, content: bytes, name: str = "leads.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def _zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _encrypted_zip() -> bytes:
    """Python cannot encrypt; the flag in both headers is what a reader goes by."""
    raw = bytearray(_zip({"a.csv": CSV}))
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    return bytes(raw)


def test_an_error_of_the_disk_is_told_whenever_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told once: of the first of three parts of a file it comes while the rest is read."""
    calls = []

    def fail_first(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 1:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(flows.landing, "_SYNC_BYTES", 1)
    monkeypatch.setattr(os, "fsync", fail_first)
    with pytest.raises(OSError, match="Input/output error"):
        land(_file(tmp_path, CSV * 250_000), tmp_path / "landing")
    assert list((tmp_path / "landing").iterdir()) == []


def test_landed_file_is_named_by_its_content(tmp_path: Path) -> None:
    """A landed file is called after the hash of its content, is 0600, and nothing else is left."""
    (batch,) = land(_file(tmp_path, CSV), tmp_path / "landing")
    digest = hashlib.sha256(CSV).hexdigest()
    assert batch.sha256 == digest
    assert batch.path == tmp_path / "landing" / f"{digest}.csv"
    assert batch.path.read_bytes() == CSV
    assert (batch.file_name, batch.size_bytes, batch.form) == ("leads.csv", len(CSV), "csv")
    assert stat.S_IMODE(batch.path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path / "landing") == [batch.path.name]


def test_landing_twice_is_harmless(tmp_path: Path) -> None:
    """The same content under another name is the same landed file."""
    (first,) = land(_file(tmp_path, CSV), tmp_path / "landing")
    (second,) = land(_file(tmp_path, CSV, "again.csv"), tmp_path / "landing")
    assert first.path == second.path
    assert len(os.listdir(tmp_path / "landing")) == 1


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress], ids=["gz", "zst"])
def test_packed_file_is_landed_unpacked(tmp_path: Path, pack: object) -> None:
    """What counts is the content: packed or not, the batch is the same."""
    assert callable(pack)
    (batch,) = land(_file(tmp_path, pack(CSV), "leads.csv.gz"), tmp_path / "landing")
    assert batch.sha256 == hashlib.sha256(CSV).hexdigest()
    assert batch.file_name == "leads.csv.gz"


def test_each_zip_member_is_a_file(tmp_path: Path) -> None:
    """A zip gives a batch per member, in its order; what macOS adds is no file."""
    packed = _zip({"a.csv": CSV, "__MACOSX/._a.csv": b"x", "in/b.jsonl": b'{"id": 1}\n'})
    batches = land(_file(tmp_path, packed, "all.zip"), tmp_path / "landing")
    assert [(b.file_name, b.form) for b in batches] == [
        ("all.zip/a.csv", "csv"),
        ("all.zip/in/b.jsonl", "jsonl"),
    ]


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (CSV, "csv"),
        (b'{"id": 1}', "jsonl"),
        (b'{"id": 1}\n{"id": 2}\n', "jsonl"),
        (b'{\n "id": 1\n}\n', "json"),
        (b'[\n {"id": 1}]', "json"),
        (b"\xef\xbb\xbf[{}]", "json"),
        ('{"id": 1}\n'.encode("utf-16"), "jsonl"),
        (b"[id],[name]\n1,2\n", "csv"),
        (b"BM,name\n1,2\n", "csv"),
        (b"{id},name\n", "csv"),
    ],
)
def test_form_is_told_by_content(tmp_path: Path, content: bytes, form: str) -> None:
    """A file's form is what its bytes are, whatever its name says."""
    (batch,) = land(_file(tmp_path, content, "leads.bin"), tmp_path / "landing")
    assert batch.form == form


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (b"", "the file is empty"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "legacy Excel"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "protected by a password",
        ),
        (b"\x89PNG\r\n\x1a\n", "an image (PNG)"),
        (b"\xff\xd8\xff\xe0", "an image (JPEG)"),
        (b"GIF89a", "an image (GIF)"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "an image (WebP)"),
        (b"\0\0\0\x18ftypheic", "an image (HEIC)"),
        (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
        (b"Rar!\x1a\x07\x00", "RAR"),
        (b"SQLite format 3\x00", "SQLite"),
        (b"{\\rtf1 x}", "rich text"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b'<?xml version="1.0"?>', "an XML document"),
        (b"BEGIN:VCARD\n", "a vCard"),
        (b"PAR1 cut", "Parquet file that is cut off"),
        (_zip({}), "the zip holds no file"),
        (_encrypted_zip(), "the zip is encrypted"),
        (_zip({"word/document.xml": b"x", "[Content_Types].xml": b"x"}), "a Word document"),
        (_zip({"xl/workbook.bin": b"x", "[Content_Types].xml": b"x"}), "(.xlsb)"),
        (gzip.compress(CSV)[:-6], "damaged or cut off"),
        (zstd.compress(CSV * 9)[:-3], "damaged or cut off"),
        (_zip({"a.csv": CSV * 9})[:-30], "damaged or cut off"),
    ],
)
def test_refusal_says_what_and_what_to_do(tmp_path: Path, content: bytes, fact: str) -> None:
    """A refusal names the file, says what it is, and what to do; nothing stays behind."""
    with pytest.raises(UnreadableFileError) as caught:
        land(_file(tmp_path, content, "x.zip"), tmp_path / "landing")
    message = str(caught.value)
    assert message.startswith("x.zip")
    assert fact in message
    assert message.count("\n") == 1
    assert message.endswith(".")
    assert os.listdir(tmp_path / "landing") == []


def test_a_member_that_cannot_be_read_is_refused_alone(tmp_path: Path) -> None:
    """The others land; of the refused one nothing stays behind but the reason."""
    path = _file(tmp_path, _zip({"a.csv": CSV, "b.pdf": b"%PDF-1.7"}), "x.zip")
    good, refused = land(path, tmp_path / "landing")
    assert (good.file_name, good.refusal) == ("x.zip/a.csv", "")
    assert refused.refusal.startswith("x.zip/b.pdf: this is a PDF")
    assert os.listdir(tmp_path / "landing") == [good.path.name]


@pytest.mark.parametrize("name", ["../a.csv", "/a.csv", "C:\\a.csv", "in/../../a.csv", "..\\a.csv"])
def test_member_names_that_point_elsewhere(tmp_path: Path, name: str) -> None:
    """An archive with a name that points out of it is refused as a whole."""
    packed = _zip({"ok.csv": CSV, name: CSV})
    with pytest.raises(UnsafeArchiveError, match="points outside"):
        land(_file(tmp_path, packed, "x.zip"), tmp_path / "landing")
    assert os.listdir(tmp_path / "landing") == []


def test_link_in_a_zip(tmp_path: Path) -> None:
    """A link in an archive is refused."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link = zipfile.ZipInfo("a.csv")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(UnsafeArchiveError, match="is a link"):
        land(_file(tmp_path, buffer.getvalue(), "x.zip"), tmp_path / "landing")


@pytest.mark.parametrize(
    "content",
    [_zip({"in.zip": _zip({"a.csv": CSV})}), gzip.compress(gzip.compress(CSV)),
     gzip.compress(_zip({"a.csv": CSV})), _zip({"a.csv.gz": gzip.compress(CSV)})],
)  # fmt: skip
def test_packed_in_packed(tmp_path: Path, content: bytes) -> None:
    """A packed file inside a packed file is refused."""
    with pytest.raises(UnsafeArchiveError, match="packed file inside"):
        land(_file(tmp_path, content, "x.zip"), tmp_path / "landing")


@pytest.mark.parametrize(
    "content",
    [gzip.compress(bytes(5_000_000)), _zip({"a": bytes(3_000_000), "b": bytes(3_000_000)})],
)
@pytest.mark.parametrize(
    ("limits", "fact"),
    [
        (Limits(max_unpacked_bytes=4_000_000), "unpacks to more than 4,000,000 bytes"),
        (Limits(max_ratio=100, ratio_free_bytes=1_000_000), "over 100 times"),
    ],
)
def test_bombs(tmp_path: Path, content: bytes, limits: Limits, fact: str) -> None:
    """What unpacks to too much, by size or by ratio, is stopped while it unpacks."""
    with pytest.raises(UnsafeArchiveError, match=fact):
        land(_file(tmp_path, content, "x.gz"), tmp_path / "landing", limits=limits)
    assert os.listdir(tmp_path / "landing") == []


def test_too_many_members(tmp_path: Path) -> None:
    """A zip of too many files is refused."""
    packed = _zip({f"{n}.csv": CSV for n in range(4)})
    with pytest.raises(UnsafeArchiveError, match="holds 4 files"):
        land(_file(tmp_path, packed, "x.zip"), tmp_path / "landing", limits=Limits(max_members=3))


def test_growing_file_is_not_taken(tmp_path: Path) -> None:
    """A file changed a moment ago is left alone; once it has settled it lands."""
    path = _file(tmp_path, CSV)
    changed = path.stat().st_mtime
    with pytest.raises(FileNotStableError, match="still growing"):
        land(path, tmp_path / "landing", settle_seconds=5, clock=lambda: changed + 4)
    assert land(path, tmp_path / "landing", settle_seconds=5, clock=lambda: changed + 6)


def test_file_that_changes_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that changes while it is copied is not taken, and leaves nothing behind."""
    path = _file(tmp_path, CSV)

    def detect_and_append(part: Path, name: str) -> str:
        with path.open("ab") as file:
            file.write(b"2,Bob\n")
        return "csv"

    monkeypatch.setattr("flows.landing.detect_form", detect_and_append)
    with pytest.raises(FileNotStableError, match="changed while"):
        land(path, tmp_path / "landing")
    assert os.listdir(tmp_path / "landing") == []


def test_no_such_file(tmp_path: Path) -> None:
    """A path without a file, and a folder, are each told as what they are."""
    for name, message in (("none.csv", "There is no file"), (".", "is not a file")):
        with pytest.raises(WrongCallError, match=message):
            land(tmp_path / name, tmp_path / "landing")
