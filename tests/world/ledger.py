"""What the world remembers of its visitors: requests, their times, User-Agents, and connections open at once."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections import Counter


class Ledger:
    """Safe for the server's threads; `times` (monotonic seconds) is parallel to `requests` (`path?query`)."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.times: list[float] = []
        self.agents: set[str] = set()
        self._open: dict[socket.socket, set[str]] = {}
        self._most: Counter[str] = Counter()
        self._lock = threading.Lock()

    def note(self, target: str, agent: str, connection: socket.socket) -> None:
        """Remember one request and the connection that it came by."""
        prefix = "/" + target.split("/", 2)[1].partition("?")[0]
        with self._lock:
            self.requests.append(target)
            self.times.append(time.monotonic())
            self.agents.add(agent)
            seen = self._open.setdefault(connection, set())
            if prefix not in seen:
                seen.add(prefix)
                now_open = sum(prefix in prefixes and not _hung_up(one) for one, prefixes in self._open.items())
                self._most[prefix] = max(self._most[prefix], now_open)

    def forget(self, connection: socket.socket) -> None:
        """Strike a connection that was closed."""
        with self._lock:
            self._open.pop(connection, None)

    def most_at_once(self, prefix: str) -> int:
        """Return how many connections that asked below `prefix` were open at once, at most."""
        with self._lock:
            return self._most[prefix]

    def asked(self, pattern: str) -> int:
        """Return how many requests had a `path?query` that matches."""
        return sum(re.search(pattern, target) is not None for target in self.requests)


def _hung_up(connection: socket.socket) -> bool:
    """Whether the client closed already, although the thread that serves it has not noticed yet."""
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
