"""Whether a backup is at hand before rows are removed."""

import re
import time
from collections.abc import Sequence
from pathlib import Path

from contracts.errors import WrongCallError
from flows.adopt.schema import ExistingTable

_OLDEST_SECONDS = 24 * 3600
_CUSTOM = b"PGDMP"
_PLAIN = b"PostgreSQL database dump"
_PLAIN_END = b"PostgreSQL database dump complete"
_HEAD_BYTES = 64 * 1024 * 1024
_TAIL_BYTES = 4096


def check_backup(path: Path, tables: Sequence[ExistingTable]) -> None:
    """Look whether a file is a whole, new dump by pg_dump that has these tables in it.

    Its forms are known: custom (``-Fc``), a folder (``-Fd``), tar (``-Ft``) and SQL. That it can be
    read to its end is not tried: ``pg_restore`` may not be there.

    Raises:
        WrongCallError: It is not, and why.
    """
    file = path / "toc.dat" if path.is_dir() else path
    if not file.exists():
        raise WrongCallError(f"'{path}' is no dump by pg_dump: there is no toc.dat in it.")
    age = time.time() - file.stat().st_mtime
    if age > _OLDEST_SECONDS:
        raise WrongCallError(
            f"'{path}' is {age / 3600:,.0f} hours old. Make a new backup, or say --no-backup."
        )
    with file.open("rb") as opened:
        head = opened.read(_HEAD_BYTES)
        opened.seek(max(0, file.stat().st_size - _TAIL_BYTES))
        tail = opened.read()
    # The folder's table of contents is of the custom form, and stands first in an archive by tar.
    is_custom = head.startswith(_CUSTOM) or head[512:].startswith(_CUSTOM)
    if not is_custom and _PLAIN not in head[:_TAIL_BYTES]:
        raise WrongCallError(f"'{path}' is no dump by pg_dump, in any of its forms.")
    if not is_custom and _PLAIN_END not in tail:
        raise WrongCallError(f"'{path}' was cut off: its last lines are missing.")
    for table in tables:
        name = re.escape(table.name.encode())
        # In the table of contents a name stands alone; in SQL with its schema.
        said = name if is_custom else rb'(COPY|INSERT INTO) (\S*\.)?"?' + name + rb'"? '
        if not re.search(said, head) or (is_custom and b"TABLE DATA" not in head):
            raise WrongCallError(f"'{path}' has no rows of {table.full_name}.")
