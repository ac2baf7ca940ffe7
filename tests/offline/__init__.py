"""A network of one's own in which only loopback is there, and what was asked of others."""

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NEW_NETWORK = 0x40000000
_SET_FLAGS = 0x8914
_UP = 1

HOOK = Path(__file__).parent
"""To be put on PYTHONPATH."""


@contextmanager
def offline() -> Iterator[bool]:
    """Cut this thread, and all that it starts, off from every network but loopback.

    Yields:
        Whether that could be done: only root may.
    """
    kernel = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    if kernel.unshare(_NEW_NETWORK) != 0:
        os.close(before)
        yield False
        return
    try:
        with socket.socket() as any_socket:
            fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh", b"lo", _UP))
        yield True
    finally:
        kernel.setns(before, _NEW_NETWORK)
        os.close(before)


def count_attempts() -> int:
    """What the kernel had no way for in this network, and names asked of nobody (UDP)."""
    folder = Path("/proc/thread-self/net")
    lines = [line.split() for line in (folder / "snmp").read_text().splitlines()]
    found = {
        (names[0], name): int(value)
        for names, values in zip(lines[::2], lines[1::2], strict=True)
        for name, value in zip(names[1:], values[1:], strict=True)
    }
    six = dict(line.split() for line in (folder / "snmp6").read_text().splitlines())
    return (
        found["Ip:", "OutNoRoutes"] + found["Udp:", "NoPorts"] + int(six.get("Ip6OutNoRoutes", 0))
    )
