"""Packed files: what is inside, streamed out under limits.

The limits are on what comes out, counted while it comes; a packer's own figures are not believed.
"""

import gzip
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from backports import zstd

from contracts.errors import UnsafeArchiveError, refusal
from flows.file_forms import Container

_PIECE_BYTES = 1_048_576
_IGNORED_MEMBERS = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")
_ENCRYPTED_FLAG = 0x1
_DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, zstd.ZstdError)


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class Limits:
    """How much a packed file may unpack to.

    The ratio counts only above ``ratio_free_bytes``: small files of repeated rows pack
    very well and harm nobody.
    """

    max_unpacked_bytes: int = 20 * 1024**3
    max_ratio: int = 250
    ratio_free_bytes: int = 64 * 1024**2
    max_members: int = 1_000


class Meter:
    """Counts what one packed file has given so far, over all its members."""

    def __init__(self, name: str, packed_bytes: int, limits: Limits) -> None:
        self._name = name
        self._packed_bytes = max(1, packed_bytes)
        self._limits = limits
        self._unpacked_bytes = 0

    def count(self, piece_bytes: int) -> None:
        """Add a piece.

        Raises:
            UnsafeArchiveError: The file unpacks to more than the limits allow.
        """
        self._unpacked_bytes += piece_bytes
        limits = self._limits
        if self._unpacked_bytes > limits.max_unpacked_bytes:
            raise UnsafeArchiveError(
                f"{self._name}: unpacks to more than {limits.max_unpacked_bytes:,} bytes.\n"
                "Split the file, or raise the limit if you trust its sender."
            )
        ratio = self._unpacked_bytes // self._packed_bytes
        if self._unpacked_bytes > limits.ratio_free_bytes and ratio > limits.max_ratio:
            raise UnsafeArchiveError(
                f"{self._name}: unpacks to over {limits.max_ratio} times its "
                f"{self._packed_bytes:,} bytes, which real data does not.\n"
                "Send the unpacked file if you trust its sender."
            )


def members(
    path: Path, name: str, container: Container, limits: Limits
) -> Iterator[tuple[str, Iterator[bytes]]]:
    """The files in a packed (or plain) file, as pairs of name and content in pieces.

    Args:
        path: The file as it was sent.
        name: What people call it; a zip member is named ``name/member``.
        container: How it is packed.
        limits: How much may come out.

    Raises:
        UnreadableFileError: Encrypted, damaged, or without any file.
        UnsafeArchiveError: Too much comes out, or a member's name points elsewhere.
    """
    meter = Meter(name, path.stat().st_size, limits)
    if container == "zip":
        yield from _zip_members(path, name, meter, limits)
        return
    with path.open("rb") as file:
        if container == "gzip":
            yield name, _pieces(gzip.GzipFile(fileobj=file), name, meter)
        elif container == "zstd":
            yield name, _pieces(zstd.ZstdFile(file), name, meter)
        else:
            yield name, _pieces(file, name, None)


def _pieces(file: _Readable, name: str, meter: Meter | None) -> Iterator[bytes]:
    with _damage_as_refusal(name):
        while piece := file.read(_PIECE_BYTES):
            if meter is not None:
                meter.count(len(piece))
            yield piece


@contextmanager
def _damage_as_refusal(name: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise refusal(
            name, f"the packed file is damaged or cut off ({error}).", "Transfer the file again."
        ) from error


def _zip_members(
    path: Path, name: str, meter: Meter, limits: Limits
) -> Iterator[tuple[str, Iterator[bytes]]]:
    with _damage_as_refusal(name):
        archive = zipfile.ZipFile(path)
    with archive:
        wanted = [info for info in archive.infolist() if not _is_ignored(info)]
        if not wanted:
            raise refusal(name, "the zip holds no file.", "Pack it again with the data inside.")
        if len(wanted) > limits.max_members:
            raise UnsafeArchiveError(
                f"{name}: the zip holds {len(wanted):,} files, more than {limits.max_members:,}.\n"
                "Split it."
            )
        for info in wanted:
            _refuse_member(info, name)
        for info in wanted:
            yield f"{name}/{info.filename}", _zip_pieces(archive, info, name, meter)


def _zip_pieces(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, meter: Meter
) -> Iterator[bytes]:
    try:
        file = archive.open(info)
    except NotImplementedError as error:
        raise refusal(
            name,
            f"'{info.filename}' is packed by a method that is not supported ({error}).",
            "Pack it as an ordinary zip (deflate).",
        ) from error
    except zipfile.BadZipFile as error:
        raise refusal(
            name, f"the zip is damaged at '{info.filename}' ({error}).", "Transfer the file again."
        ) from error
    with file:
        yield from _pieces(file, f"{name}/{info.filename}", meter)


def _is_ignored(info: zipfile.ZipInfo) -> bool:
    return info.is_dir() or any(part in info.filename for part in _IGNORED_MEMBERS)


def _refuse_member(info: zipfile.ZipInfo, name: str) -> None:
    # `orig_filename` is what the packer wrote; `filename` has been tidied by zipfile.
    written = info.orig_filename.replace("\\", "/")
    member = PurePosixPath(written)
    is_elsewhere = member.is_absolute() or ".." in member.parts or written[1:2] == ":"
    if is_elsewhere or "\x00" in written:
        raise UnsafeArchiveError(
            f"{name}: the member name {info.orig_filename!r} points outside of the archive.\n"
            "Pack the files again without folders."
        )
    if stat.S_ISLNK(info.external_attr >> 16):
        raise UnsafeArchiveError(
            f"{name}: the member {info.filename!r} is a link, not a file.\nPack the file itself."
        )
    if info.flag_bits & _ENCRYPTED_FLAG:
        raise refusal(
            name,
            f"the zip is encrypted ('{info.filename}' needs a password).",
            "Unpack it with its password and send the file inside, or a zip without a password.",
        )
