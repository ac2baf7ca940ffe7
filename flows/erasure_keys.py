"""The key under which erased people are known again, without being known."""

import hashlib
import hmac
import os
import re
import secrets
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from contracts.errors import ErasureKeyError

VARIABLE = "LEADFOLD_ERASURE_KEY"
FILE_NAME = "erasure.key"
_KEY_BYTES = 32


@dataclass(frozen=True)
class ErasureKey:
    """A secret key; its id may be shown and stored.

    Attributes:
        secret: 32 random bytes.
        origin: Where it is kept, for people.
    """

    secret: bytes = field(repr=False)
    origin: str

    @property
    def key_id(self) -> str:
        """The first 16 hex digits of its SHA-256."""
        return hashlib.sha256(self.secret).hexdigest()[:16]

    def hash_claim(self, kind: str, value: str) -> bytes:
        """HMAC-SHA-256 of a claim."""
        return hmac.digest(self.secret, f"{kind}\x1f{value}".encode(), "sha256")


def load_key(home: Path, *, may_make: bool = False) -> ErasureKey | None:
    """The key of this machine, from the environment or from ``home``.

    Args:
        home: The folder of Leadfold's data.
        may_make: Whether to make a key where there is none.

    Returns:
        None where there is none.

    Raises:
        ErasureKeyError: What is there is no key.
    """
    said = os.environ.get(VARIABLE, "").strip()
    if said:
        return ErasureKey(_parse(said, VARIABLE), VARIABLE)
    path = home / FILE_NAME
    if not path.exists() and may_make:
        _make_file(path)
    if not path.exists():
        return None
    return ErasureKey(_parse(path.read_text("ascii", "replace").strip(), str(path)), str(path))


def check_key(key: ErasureKey | None, key_ids: Iterable[str], team_name: str) -> ErasureKey:
    """See that the key at hand is the one under which a team's people were erased.

    Raises:
        ErasureKeyError: It is another, or there is none; nobody may be imported without it.
    """
    others = sorted(set(key_ids) - ({key.key_id} if key else set()))
    if key and not others:
        return key
    had = f"is {key.key_id} ({key.origin})" if key else "is missing"
    raise ErasureKeyError(
        f"Team '{team_name}' has erased people under the key {', '.join(others)}, but the key of"
        f" this machine {had}: without the right one they could come back.\n"
        f"Put the right key into {FILE_NAME} in LEADFOLD_HOME, or into {VARIABLE}."
    )


def _make_file(path: Path) -> None:
    """Write a new key whole or not at all; where another process was faster, its key stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".erasure-", dir=path.parent)
    fresh = Path(name)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(_KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        if not path.exists():
            os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink(missing_ok=True)


def _parse(text: str, origin: str) -> bytes:
    if not re.fullmatch(rf"[0-9a-fA-F]{{{2 * _KEY_BYTES}}}", text):
        raise ErasureKeyError(
            f"{origin} holds no key for erasures: it must be {2 * _KEY_BYTES} hex digits.\n"
            "Restore it from where you keep a copy; a new key does not know who was erased."
        )
    return bytes.fromhex(text)
