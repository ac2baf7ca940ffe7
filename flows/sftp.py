"""SFTP to servers whose key is known; fsspec's own trusts whoever answers."""

import logging
import os
from pathlib import Path
from typing import Any

import paramiko
from fsspec.implementations.sftp import SFTPFileSystem

from contracts.errors import LocationError

_PORT = 22

# What breaks is told in a sentence; paramiko would tell it in tracebacks, too.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)


class KnownSFTP(SFTPFileSystem):  # type: ignore[misc]
    """Files over SFTP, from a server that is the one that is meant.

    Args:
        host: Name or address of the server.
        host_key: Its public key, as in ``known_hosts`` (``ssh-ed25519 AAAA...``), or the key's
            fingerprint (``SHA256:...``).
        known_hosts: Where keys are looked up if none is given; else ``~/.ssh/known_hosts``.
        answer_seconds: How long it may take to answer.
        options: Username, password, port and so on: as ``paramiko.SSHClient.connect`` has them.

    Raises:
        LocationError: Its key is not known, or is another one; or it does not let us in.
    """

    cachable = False

    def __init__(
        self,
        host: str,
        *,
        host_key: str = "",
        known_hosts: str = "",
        answer_seconds: float = 60,
        **options: Any,
    ) -> None:
        self._host_key, self._known_hosts = host_key.strip(), known_hosts
        self._answer_seconds = answer_seconds
        if "key_filename" in options:
            options["key_filename"] = os.path.expanduser(options["key_filename"])
        # Whoever says how to log in means that, and not a key that happens to lie around.
        says_how = bool({"password", "key_filename"} & set(options))
        options.setdefault("look_for_keys", not says_how)
        options.setdefault("allow_agent", not says_how)
        for name in ("timeout", "banner_timeout", "auth_timeout", "channel_timeout"):
            options.setdefault(name, answer_seconds)
        super().__init__(host, **options)

    def _connect(self) -> None:
        self.client = paramiko.SSHClient()
        self.client.set_missing_host_key_policy(_Refuse(self._host_key))
        port = self.ssh_kwargs.get("port", _PORT)
        name = self.host if port == _PORT else f"[{self.host}]:{port}"
        try:
            if not self._host_key:
                self._load_known_hosts()
            elif not self._host_key.startswith("SHA256:"):
                key = _read_key(name, self._host_key)
                self.client.get_host_keys().add(name, key.get_name(), key)
            self.client.connect(self.host, **self.ssh_kwargs)
            self.ftp = self.client.open_sftp()
            self.ftp.get_channel().settimeout(self._answer_seconds)
        except paramiko.BadHostKeyException as error:
            raise LocationError(
                f"{self.host} has another key than it should: {_describe(error.key)}.\n"
                "Somebody may be in between. If its owner confirms the new key, put it where the"
                " old one stands."
            ) from error
        except paramiko.AuthenticationException as error:
            raise LocationError(
                f"{self.host} does not let '{self.ssh_kwargs.get('username', '')}' in: {error}"
            ) from error

        except paramiko.SSHException as error:
            if "banner" in str(error):  # it took the connection, and said nothing
                raise TimeoutError from error
            raise

    def _load_known_hosts(self) -> None:
        path = Path(self._known_hosts or "~/.ssh/known_hosts").expanduser()
        if path.is_file():
            self.client.load_host_keys(str(path))
        elif self._known_hosts:
            raise LocationError(f"known_hosts: there is no file '{path}'.")

    def close(self) -> None:
        """Leave the server."""
        self.client.close()


class _Refuse(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
    """Nobody, but for who has the key of this fingerprint."""

    def __init__(self, host_key: str) -> None:
        self._host_key = host_key

    def missing_host_key(
        self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey
    ) -> None:
        if self._host_key == key.fingerprint:
            return
        if self._host_key:
            raise LocationError(
                f"{hostname} has another key than it should: {_describe(key)}.\n"
                "Somebody may be in between. Ask the server's owner which keys it has."
            )
        raise LocationError(
            f"Nobody has said that the key of {hostname} is right: {_describe(key)}.\n"
            "Ask its owner. If this is the key, write it into the feed's options, host_key:"
            f" {key.get_name()} {key.get_base64()}"
        )


def _read_key(name: str, text: str) -> paramiko.PKey:
    try:
        entry = paramiko.hostkeys.HostKeyEntry.from_line(f"{name} {text}")
    except paramiko.hostkeys.InvalidHostKey:
        entry = None
    if entry is None or entry.key is None:
        raise LocationError(
            "host_key is no public key: write it as in known_hosts (ssh-ed25519 AAAA...), or the"
            " fingerprint (SHA256:...)."
        )
    return entry.key


def _describe(key: paramiko.PKey) -> str:
    return f"{key.get_name()} {key.fingerprint}"
