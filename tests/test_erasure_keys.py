"""The key under which erased people are known again."""

import hashlib
import hmac
from pathlib import Path

import pytest

from contracts.errors import ErasureKeyError
from flows.erasure_keys import FILE_NAME, VARIABLE, ErasureKey, check_key, load_key


def test_a_key_is_made_once_and_only_when_it_may_be(tmp_path: Path) -> None:
    """For its owner only; the second time it is the same."""
    home = tmp_path / "home"
    assert load_key(home) is None
    key = load_key(home, may_make=True)
    assert key is not None
    assert load_key(home) == load_key(home, may_make=True) == key
    assert (home / FILE_NAME).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in home.iterdir()] == [FILE_NAME]
    assert len(key.secret) == 32


def test_the_environment_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that several machines share a key; no file is made."""
    monkeypatch.setenv(VARIABLE, "ab" * 32)
    key = load_key(tmp_path, may_make=True)
    assert key == ErasureKey(b"\xab" * 32, VARIABLE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "ab", "zz" * 32, "ab" * 33])
def test_what_is_no_key_is_told(tmp_path: Path, text: str) -> None:
    """A new one would not know who was erased."""
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(ErasureKeyError, match="holds no key for erasures"):
        load_key(tmp_path, may_make=True)


def test_a_hash_tells_nothing_without_the_key() -> None:
    """HMAC-SHA-256 of kind and value; neither the key nor its text is shown."""
    key = ErasureKey(b"k" * 32, "here")
    expected = hmac.new(b"k" * 32, b"phone\x1f+14155552671", "sha256").digest()
    assert key.hash_claim("phone", "+14155552671") == expected
    assert key.key_id == hashlib.sha256(b"k" * 32).hexdigest()[:16]
    assert "kkkk" not in repr(key)


def test_another_key_is_refused() -> None:
    """Nor is one of two enough."""
    key = ErasureKey(b"k" * 32, "here")
    assert check_key(key, [key.key_id], "acme") is key
    for wrong, ids in ((None, ["a"]), (key, ["a"]), (key, [key.key_id, "a"])):
        with pytest.raises(ErasureKeyError, match="under the key a, but the key of this machine"):
            check_key(wrong, ids, "acme")
