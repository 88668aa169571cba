"""What can go wrong on the way, to be ordered for any path: limits, broken, empty, slow and lying answers."""

from __future__ import annotations

import re
import threading
from dataclasses import asdict, dataclass, field
from typing import Any

KINDS = ("429", "403-primary", "403-secondary", "403", "401", "404", "301", "304", "500", "503", "html", "truncated",
         "broken-off", "reset", "slow", "empty", "huge", "invalid-utf8", "wrong-total", "duplicate-week", "exception",
         "clock")  # fmt: skip


@dataclass
class Fault:
    """One ordered fault: answers whose `path?query` matches `pattern` go wrong, `count` times (-1: always).

    `after` answers are let through first. `retry_after` is sent as the header when given; `seconds` is how long
    a slow answer takes. Kinds: 429, 403-primary (spent budget, reset in an hour), 403-secondary, 403 (a plain
    refusal), 401, 404, 500, 503, all with the source's own words; 301 (to `/moved` + the same address, which answers
    as the old one would); 304 (a lying cache: sent to whoever asks); html (a web page with status 200), truncated
    (half the body, lengths agree), broken-off (half the body, then the connection closes), reset (no answer at all),
    slow, empty (an empty list, feed or file), huge (the answer again and again, until the client hangs up or 200 MB
    are out), invalid-utf8 (bytes ff fe in the middle), wrong-total (arXiv's total, ClickHouse's of_rows or the newest
    week's total is `amount` too high), duplicate-week (star history: the page begins with the week that the page
    before ended with, as after a roll-over; the first page tells its first week twice), exception (ClickHouse: half
    the rows, then an exception's text), clock (the whole world's clock moves on `seconds` before the answer).
    """

    kind: str
    pattern: str = ".*"
    count: int = 1
    after: int = 0
    retry_after: str | None = None
    seconds: float = 0.0
    amount: int = 7

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault {self.kind!r}; known: {', '.join(KINDS)}")


@dataclass
class Faults:
    """The ordered faults, first match first; safe for the server's threads."""

    ordered: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def order(self, fault: Fault) -> None:
        """Add a fault."""
        with self._lock:
            self.ordered.append(fault)

    def clear(self) -> None:
        """Let everything go well again."""
        with self._lock:
            self.ordered.clear()

    def take(self, target: str) -> Fault | None:
        """Return the fault that befalls this request, counting it down, or None."""
        with self._lock:
            for fault in self.ordered:
                if fault.count and re.search(fault.pattern, target):
                    if fault.after:
                        fault.after -= 1
                        return None
                    fault.count -= 1
                    return fault
        return None

    def listing(self) -> list[dict[str, Any]]:
        """Return the faults as JSON would have them."""
        return [asdict(fault) for fault in self.ordered]
