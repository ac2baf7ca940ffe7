"""Which encoding a text is in, and what follows from it for finding lines in its bytes."""

import codecs
import importlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from contracts.errors import UnreadableFileError, refusal
from flows.reading.single_bytes import choose_single_byte

Kind = Literal["utf8", "utf16", "single", "other"]

_BLOCK_BYTES = 1_048_576
_HEAD_BYTES = 65_536
_SAMPLE_BYTES = 65_536
_ENOUGH_BAD_LINES = 2_000
_TWICE_ENCODED_BOM = b"\xc3\xaf\xc2\xbb\xc2\xbf"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (_TWICE_ENCODED_BOM, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_EXPORT_AGAIN = "Name the encoding in the contract, or export the file again as UTF-8."


@dataclass(frozen=True)
class TextEncoding:
    """An encoding and the width of its units.

    Attributes:
        name: Python's name of the codec, without a byte order mark.
        bom_bytes: Bytes to skip at the start of the file.
        unit_bytes: 1, 2 (UTF-16) or 4 (UTF-32).
        kind: How much may be taken for granted when many lines are decoded at once.
        line_feed: The unit that is a line feed; EBCDIC has its own.
        carriage_return: The unit that is a carriage return.
    """

    name: str
    bom_bytes: int
    unit_bytes: int
    kind: Kind
    line_feed: int
    carriage_return: int

    @property
    def unit_dtype(self) -> str:
        """The numpy type of one unit."""
        return f"{'>' if self.name.endswith('-be') else '<'}u{self.unit_bytes}"


def detect_encoding(path: Path, name: str, hint: str | None = None) -> TextEncoding:
    """The encoding of a text file, from its mark, its bytes, or the contract.

    The whole file is looked at: a UTF-8 file that is ASCII for its first gigabyte is UTF-8 still.
    UTF-8 is only given up when most lines that are not ASCII are not UTF-8 either; a few such
    lines in a UTF-8 file are damage, and become rejects.

    Args:
        path: The landed file.
        name: What people call it, for the message.
        hint: The encoding that the contract names; it is believed.

    Raises:
        UnreadableFileError: The mark at the start is broken or contradicts the text, or the
            hint is no encoding that Python knows.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if hint is not None:
        return _named(head, name, hint)
    for bom, codec in _BOMS:
        if head.startswith(bom):
            if codec != "utf-8":
                _refuse_false_mark(head[len(bom) :], name, codec)
            return describe(codec, len(bom))
    if head.startswith((b"\xef\xbb", b"\xbb\xbf", b"\xef\xbf\xbe")):
        raise refusal(
            name,
            f"the byte order mark at its start is broken ({head[:3].hex(' ')}).",
            _EXPORT_AGAIN,
        )
    if wide := _utf16_without_mark(head):
        return describe(wide, 0)
    return describe("utf-8" if _is_utf8(path) else _eight_bit(path), 0)


def describe(codec: str, bom_bytes: int = 0) -> TextEncoding:
    """What is to be known about an encoding that Python knows."""
    codec = codecs.lookup(codec).name
    line_feed, carriage_return = "\n".encode(codec), "\r".encode(codec)
    order: Literal["big", "little"] = "big" if codec.endswith("-be") else "little"
    kind: Kind = "other"
    if codec == "utf-8":
        kind = "utf8"
    elif codec in ("utf-16-le", "utf-16-be"):
        kind = "utf16"
    elif _is_single_byte(codec):
        kind = "single"
    return TextEncoding(
        name=codec,
        bom_bytes=bom_bytes,
        unit_bytes=len(line_feed),
        kind=kind,
        line_feed=int.from_bytes(line_feed, order),
        carriage_return=int.from_bytes(carriage_return, order),
    )


def _named(head: bytes, name: str, hint: str) -> TextEncoding:
    try:
        info = codecs.lookup(hint)
        "\n".encode(info.name)
    except LookupError as error:
        raise refusal(
            name,
            f"the contract names the encoding {hint!r}, which Python does not know.",
            "See the list of standard encodings in the documentation of Python's codecs.",
        ) from error
    codec = {"utf-8-sig": "utf-8"}.get(info.name, info.name)
    if codec in ("utf-16", "utf-32"):
        is_big = head.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE))
        codec += "-be" if is_big else "-le"
    for bom, _ in _BOMS:
        if head.startswith(bom):
            return describe(codec, len(bom))
    return describe(codec, 0)


def _refuse_false_mark(text: bytes, name: str, codec: str) -> None:
    """In UTF-16 and UTF-32 the letters, commas and line ends of any export have zero bytes."""
    if text and b"\x00" not in text:
        raise refusal(
            name,
            f"it starts with the byte order mark of {codec.upper()}, "
            "but what follows is not in that encoding.",
            _EXPORT_AGAIN,
        )


def _utf16_without_mark(head: bytes) -> str | None:
    """Latin text in UTF-16 is every second byte zero."""
    units = np.frombuffer(head[: len(head) // 2 * 2], dtype=np.uint8)
    if len(units) < 4:
        return None
    zeros_first = float(np.mean(units[0::2] == 0))
    zeros_second = float(np.mean(units[1::2] == 0))
    if zeros_second > 0.3 and zeros_first < 0.05:
        return "utf-16-le"
    if zeros_first > 0.3 and zeros_second < 0.05:
        return "utf-16-be"
    return None


def _is_utf8(path: Path) -> bool:
    """Whether all of a file is UTF-8, as most are: at a third of what counting lines takes."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb", buffering=0) as file:
            while block := file.read(_BLOCK_BYTES):
                # Most are ASCII, and need no more than a look, unless a letter is cut before them.
                if not block.isascii() or decoder.getstate()[0]:
                    decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _eight_bit(path: Path) -> str:
    """UTF-8, unless more lines speak against it than for it."""
    n_good = n_bad = 0
    sample = bytearray()
    rest = b""
    with path.open("rb", buffering=0) as file:
        while read := file.read(_BLOCK_BYTES):
            block = rest + read
            cut = block.rfind(b"\n") + 1 or block.rfind(b"\r") + 1 or len(block)
            block, rest = block[:cut], block[cut:]
            if rest.isascii():
                rest = b""
            good, bad = _count_utf8(block, sample)
            n_good, n_bad = n_good + good, n_bad + bad
            if n_bad > _ENOUGH_BAD_LINES and n_bad > 2 * n_good:
                rest = b""
                break
    good, bad = _count_utf8(rest, sample)
    n_good, n_bad = n_good + good, n_bad + bad
    return choose_single_byte(bytes(sample)) if n_bad > n_good else "utf-8"


def _count_utf8(block: bytes, sample: bytearray) -> tuple[int, int]:
    """Lines with UTF-8 beyond ASCII, and lines that are not UTF-8; the latter are sampled."""
    if block.isascii():
        return 0, 0
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return max(1, int(np.count_nonzero(np.frombuffer(block, np.uint8) >= 0xC2))), 0
    n_good = n_bad = 0
    for line in re.split(rb"[\r\n]+", block):
        if line.isascii():
            continue
        try:
            line.decode("utf-8")
            n_good += 1
        except UnicodeDecodeError:
            n_bad += 1
            if len(sample) < _SAMPLE_BYTES:
                sample += line + b"\n"
    return n_good, n_bad


def _is_single_byte(codec: str) -> bool:
    if codec in ("ascii", "iso8859-1"):
        return True
    module = importlib.import_module("encodings." + codec.replace("-", "_"))
    return hasattr(module, "decoding_table")


def undecodable_header(name: str, encoding: TextEncoding) -> UnreadableFileError:
    """The refusal of a file whose header cannot be read: nothing could be mapped."""
    return refusal(name, f"the header has bytes that {encoding.name} cannot have.", _EXPORT_AGAIN)
