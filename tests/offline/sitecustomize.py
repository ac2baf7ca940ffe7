"""Put first on PYTHONPATH: whatever a Python process asks of the network beyond loopback is denied.

What is denied stands in the file that LEADFOLD_OFFLINE_LOG names.
"""

import ipaddress
import os
import sys

_ASKED = {
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.sendmsg": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
    "socket.gethostbyaddr": 0,
}


def _is_near(host: object) -> bool:
    # None is any address to listen on; a text as a whole is the path of a Unix socket.
    if isinstance(host, bytes):
        host = host.decode(errors="replace")
    if not host or host == "localhost":
        return True
    try:
        found = ipaddress.ip_address(str(host))
    except ValueError:
        return False
    return found.is_loopback or found.is_unspecified


def _deny(event: str, given: tuple[object, ...]) -> None:
    if event not in _ASKED:
        return
    place = given[_ASKED[event]]
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        if not isinstance(place, tuple):
            return
        place = place[0]
    if not _is_near(place):
        with open(os.environ["LEADFOLD_OFFLINE_LOG"], "a") as log:
            print(event, place, sys.argv[:3], file=log)
        raise OSError(f"denied: {event} {place}")


sys.addaudithook(_deny)
