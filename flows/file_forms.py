"""What a file is, by its first bytes and never by its name, and why some files are refused."""

import re
import zipfile
from pathlib import Path
from typing import Literal

from contracts.errors import UnreadableFileError, refusal

Form = Literal["csv", "xlsx", "jsonl", "json", "parquet"]
Container = Literal["gzip", "zstd", "zip", "none"]

_HEAD_BYTES = 65_536

_CONTAINERS: tuple[tuple[bytes, Container], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
)

_AS_CSV = "Save or export it as CSV (UTF-8) or .xlsx and send that."
_UNPACK = "Unpack it, or pack it as .zip, .gz or .zst, and send that."

# Signatures as listed in the `file` command's magic database.
_REFUSED: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF-", "a PDF document", "Ask the sender for the data itself, as CSV or .xlsx."),
    (b"\x89PNG\r\n", "an image (PNG)", "Ask the sender for the data itself, as CSV or .xlsx."),
    (b"\xff\xd8\xff", "an image (JPEG)", "Ask the sender for the data itself, as CSV or .xlsx."),
    (b"GIF87a", "an image (GIF)", "Ask the sender for the data itself, as CSV or .xlsx."),
    (b"GIF89a", "an image (GIF)", "Ask the sender for the data itself, as CSV or .xlsx."),
    (b"II*\x00", "an image (TIFF)", "Ask the sender for the data itself, as CSV or .xlsx."),
    (b"MM\x00*", "an image (TIFF)", "Ask the sender for the data itself, as CSV or .xlsx."),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (b"\xfd7zXZ\x00", "an xz archive", _UNPACK),
    (b"BZh", "a bzip2 archive", _UNPACK),
    (b"SQLite format 3\x00", "an SQLite database", _AS_CSV),
    (b"{\\rtf", "a rich text document (RTF)", _AS_CSV),
    (b"\x7fELF", "a program", "Check with the sender what was meant to be sent."),
    (b"MZ\x90\x00", "a program", "Check with the sender what was meant to be sent."),
)

_REFUSED_TEXT: tuple[tuple[bytes, str, str], ...] = (
    (b"<!doctype html", "a web page", "Log in and download the export again; this is no data."),
    (b"<html", "a web page", "Log in and download the export again; this is no data."),
    (b"<?xml", "an XML document", _AS_CSV),
    (b"begin:vcard", "a vCard address book", "Export the contacts as CSV and send that."),
)

# The member that tells what a zip of an office program is.
_OFFICE: tuple[tuple[str, str], ...] = (
    ("xl/workbook.bin", "an Excel binary workbook (.xlsb)"),
    ("word/document.xml", "a Word document"),
    ("ppt/presentation.xml", "a PowerPoint presentation"),
    ("Index/Document.iwa", "an Apple Numbers or Pages document"),
    ("content.xml", "an OpenDocument file"),
)


def detect_container(path: Path) -> Container:
    """How a file is packed. An office document is a zip by its bytes, but not packed."""
    with path.open("rb") as file:
        head = file.read(8)
    for magic, container in _CONTAINERS:
        if head.startswith(magic):
            if container == "zip" and _office_kind(path) is not None:
                return "none"
            return container
    return "none"


def detect_form(path: Path, name: str) -> Form:
    """The form of an unpacked file.

    Args:
        path: The file.
        name: What people call it, for the message.

    Raises:
        UnreadableFileError: Empty, or nothing that holds rows: PDF, image, legacy .xls, ...
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        file.seek(max(0, size - 8))
        tail = file.read()
    if not head:
        raise refusal(
            name, "the file is empty (0 bytes).", "Export it again; check the sender's filter."
        )
    if head.startswith(b"PAR1"):
        if tail.endswith(b"PAR1") and size > 8:
            return "parquet"
        raise refusal(name, "a Parquet file that is cut off.", "Transfer the file again.")
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _office_form(path, name)
    _refuse_binary(path, head, name)
    return _text_form(head)


def _refuse_binary(path: Path, head: bytes, name: str) -> None:
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise _refuse_compound(path, name)
    for magic, what, remedy in _REFUSED:
        if head.startswith(magic):
            raise refusal(name, f"this is {what}.", remedy)
    if head[4:12] in (b"ftypheic", b"ftypmif1", b"ftypavif"):
        raise refusal(name, "this is an image (HEIC).", _REFUSED[0][2])
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        raise refusal(name, "this is an image (WebP).", _REFUSED[0][2])
    is_bitmap = head.startswith(b"BM") and head[6:10] == b"\x00\x00\x00\x00"
    if is_bitmap:
        raise refusal(name, "this is an image (BMP).", _REFUSED[0][2])
    if head[257:262] == b"ustar":
        raise refusal(name, "this is a tar archive.", _UNPACK)
    start = head.replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower()
    for magic, what, remedy in _REFUSED_TEXT:
        if start.startswith(magic):
            raise refusal(name, f"this is {what}.", remedy)


def _refuse_compound(path: Path, name: str) -> UnreadableFileError:
    """Excel before 2007 and password-protected .xlsx share one container (MS-CFB)."""
    with path.open("rb") as file:
        start = file.read(1_048_576)
    if "EncryptedPackage".encode("utf-16-le") in start:
        return refusal(
            name,
            "this workbook is protected by a password.",
            "Open it in Excel, remove the password (File > Info) and save it again.",
        )
    return refusal(
        name,
        "this is a legacy Excel file (.xls) or another old Office document.",
        "Open it in Excel and save it as .xlsx or CSV (UTF-8).",
    )


def _office_kind(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return None
    if "xl/workbook.xml" in names:
        return "xlsx"
    if "[Content_Types].xml" in names or "mimetype" in names or "Index/Document.iwa" in names:
        for member, what in _OFFICE:
            if member in names:
                return what
    return None


def _office_form(path: Path, name: str) -> Form:
    kind = _office_kind(path)
    if kind == "xlsx":
        return "xlsx"
    if kind is not None:
        raise refusal(name, f"this is {kind}.", _AS_CSV)
    raise refusal(
        name, "a packed file inside a packed file.", "Unpack the outer one and send the inner one."
    )


def _text_form(head: bytes) -> Form:
    """JSON shows itself by its first two marks; every other text is taken as CSV."""
    text = head.replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if re.match(rb"\[\s*[\[{\]]", text):
        return "json"
    if re.match(rb'\{\s*["}]', text) is None:
        return "csv"
    return "jsonl" if _is_json_lines(text) else "json"


def _is_json_lines(text: bytes) -> bool:
    """A lone object that fills its first line is one line of JSON Lines, too."""
    first_line = re.split(rb"[\r\n]+", text, maxsplit=1)[0].rstrip()
    # A line longer than the head can only be a whole record: nobody indents that far.
    return first_line.endswith(b"}") or len(first_line) == len(text.rstrip()) == _HEAD_BYTES
