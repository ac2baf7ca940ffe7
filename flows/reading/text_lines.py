"""Physical lines of a text in any encoding, found in its original bytes."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from flows.reading.encodings import TextEncoding

Positions = npt.NDArray[np.int64]


class Bounds(NamedTuple):
    """Where lines start, where their text ends, and where the next line starts, in bytes."""

    starts: Positions
    ends: Positions
    nexts: Positions


def has_controls(data: bytes) -> bool:
    """Whether an ASCII-compatible text has control characters but tab and line breaks."""
    units = np.frombuffer(data, dtype=np.uint8)
    n_low = int(np.count_nonzero(units < 32))
    return n_low != sum(map(data.count, (b"\n", b"\r", b"\t"))) or b"\x7f" in data


def find_lines(data: bytes, encoding: TextEncoding, *, is_any_break: bool, is_last: bool) -> Bounds:
    r"""The physical lines of a block.

    Args:
        data: Bytes that begin at the start of a line.
        encoding: The encoding of the bytes.
        is_any_break: Whether a lone ``\r`` ends a line, too; ``\n`` and ``\r\n`` always do.
        is_last: Whether the file ends here. Else an unfinished line at the end is left out.
    """
    width = encoding.unit_bytes
    units = np.frombuffer(data, dtype=encoding.unit_dtype, count=len(data) // width)
    is_feed = units == encoding.line_feed
    if is_any_break:
        is_return = units == encoding.carriage_return
        is_return[:-1] &= ~is_feed[1:]
        if len(units) and not is_last:
            is_return[-1] = False
        breaks = np.flatnonzero(is_feed | is_return)
    else:
        breaks = np.flatnonzero(is_feed)
    starts = np.empty(len(breaks) + 1, dtype=np.int64)
    starts[0] = 0
    starts[1:] = (breaks + 1) * width
    has_return = (breaks > 0) & is_feed[breaks]
    has_return &= units[breaks - 1] == encoding.carriage_return
    ends = (breaks - has_return) * width
    nexts = starts[1:]
    if is_last and starts[-1] < len(data):
        size = np.array([len(data)], dtype=np.int64)
        return Bounds(starts, np.append(ends, size), np.append(nexts, size))
    return Bounds(starts[:-1], ends, nexts)


class Lines:
    """The lines of a block: their places, and their texts, decoded when they are asked for.

    Attributes:
        data: The block.
        encoding: The encoding of its bytes.
        starts, ends, nexts: As in `Bounds`.
        undecoded: Starts of the lines found so far whose text is not true.
    """

    def __init__(
        self, data: bytes, encoding: TextEncoding, *, is_any_break: bool, is_last: bool
    ) -> None:
        self.data = data
        self.encoding = encoding
        bounds = find_lines(data, encoding, is_any_break=is_any_break, is_last=is_last)
        self.starts: list[int] = bounds.starts.tolist()
        self.ends: list[int] = bounds.ends.tolist()
        self.nexts: list[int] = bounds.nexts.tolist()
        self._texts: list[str | None] = [None] * len(self.starts)
        self.undecoded: set[int] = set()

    def __len__(self) -> int:
        return len(self.starts)

    def text(self, index: int) -> str:
        """A line without its end.

        Where bytes could not be decoded the text holds replacement characters; it serves to
        find fields, never to be stored.
        """
        text = self._texts[index]
        if text is None:
            start = self.starts[index]
            text, is_decoded = _decode(self.data[start : self.ends[index]], self.encoding.name)
            self._texts[index] = text
            if not is_decoded:
                self.undecoded.add(start)
        return text

    def is_decoded(self, index: int) -> bool:
        """Whether a line's text is true."""
        self.text(index)
        return self.starts[index] not in self.undecoded

    def raw(self, first: int, n_lines: int) -> bytes:
        """The original bytes of some lines, without the last one's end."""
        return self.data[self.starts[first] : self.ends[first + n_lines - 1]]

    def line_end(self, index: int) -> str:
        """The characters that end a line."""
        raw = self.data[self.ends[index] : self.nexts[index]]
        return _decode(raw, self.encoding.name)[0]

    def at_returns(self, index: int) -> "Lines":
        """The lines that a line's lone carriage returns part it into."""
        raw = self.data[self.starts[index] : self.ends[index]]
        return Lines(raw, self.encoding, is_any_break=True, is_last=True)

    def replace(self, index: int, parts: "Lines") -> None:
        """Put the lines that a line turned out to be in its place."""
        start, last = self.starts[index], self.nexts[index]
        here = slice(index, index + 1)
        self.starts[here] = [start + at for at in parts.starts]
        self.ends[here] = [start + at for at in parts.ends]
        self.nexts[here] = [*(start + at for at in parts.nexts[:-1]), last]
        self._texts[here] = [None] * len(parts)


def _decode(raw: bytes, codec: str) -> tuple[str, bool]:
    try:
        return raw.decode(codec), True
    except UnicodeDecodeError:
        return raw.decode(codec, errors="replace"), False
