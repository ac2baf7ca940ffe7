"""How much memory there is for us: that of the machine, or what a container or service may take."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

# Linux' control groups: which we are in, and where each version keeps their limits.
_OWN_GROUPS = Path("/proc/self/cgroup")
_LIMITS = {
    "": (Path("/sys/fs/cgroup"), "memory.max"),
    "memory": (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
}


def count_memory() -> int:
    """The bytes of memory that we and what we start may take."""
    limits = [psutil.virtual_memory().total]
    for path in _list_limits():
        # "max" is no number: there is no limit.
        with suppress(OSError, ValueError):
            limits.append(int(path.read_text()))
    return min(limits)


def _list_limits() -> Iterator[Path]:
    """The files with the limits of our groups, and of all groups that these are in."""
    groups = dict.fromkeys(_LIMITS, "/")
    with suppress(OSError):
        for line in _OWN_GROUPS.read_text().splitlines():
            _, controllers, group = line.split(":", 2)
            groups |= {each: group for each in controllers.split(",") if each in groups}
    for controller, (root, name) in _LIMITS.items():
        place = root / groups[controller].lstrip("/")
        yield from (each / name for each in (place, *place.parents) if each.is_relative_to(root))
