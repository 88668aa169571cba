"""Stack Exchange's API: counts of questions by tag, always gzipped, with quota and backoff.

Questions are invented: a day's are spread evenly over it, the first at midnight exactly. After 2023 they collapse.
"""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from tests.world.reply import Reply, Request
from warehouse.registry import Framework

DAY = 86_400
FIRST = date(2008, 8, 1)
WITHOUT_KEY, WITH_KEY = 300, 10_000
ALL = 6_400
# Questions a day at their height, and the year of that; other tags reach 4 in 2018.
TAGS = {
    "tensorflow": (38, 2019.5), "keras": (25, 2019.5), "pytorch": (14, 2021.5), "caffe": (3, 2016.5),
    "theano": (2, 2016.5), "torch": (2, 2017.0), "jax": (1, 2023.0), "mxnet": (1, 2018.0), "cntk": (1, 2017.5),
    "chainer": (1, 2018.0), "paddle-paddle": (0, 2020.0),
}  # fmt: skip
_SPENT = "too many requests from this IP, more requests available in 3600 seconds"


class StackExchange:
    """`tags` are those known; `remaining` the quota left by key ("" without); `now` is UTC without zone."""

    def __init__(self, now: datetime, frameworks: Iterable[Framework]) -> None:
        self.now = now
        self.tags = {tag for framework in frameworks for tag in framework.stackoverflow_tags}
        self.remaining: dict[str, int] = {}
        self.ignored_backoffs = 0
        self._backoffs: list[int] = []
        self._wait_until = 0.0

    def at(self, now: datetime) -> None:
        """Move the clock: a new day brings a new quota."""
        if now.date() > self.now.date():
            self.remaining.clear()
        self.now = now

    def order_backoff(self, seconds: int, count: int = 1) -> None:
        """Let the next `count` answers ask for a pause; who asks earlier by the real clock is refused and counted."""
        self._backoffs += [seconds] * count

    def reply(self, request: Request) -> Reply:
        """Answer GET."""
        if request.path != "/2.3/questions":
            return _error(404, "no_method", "no method found with this name")
        if request.query.get("site") != "stackoverflow":
            return _error(400, "bad_parameter", "site")
        if time.monotonic() < self._wait_until:
            self.ignored_backoffs += 1
            return _error(502, "throttle_violation", "too many requests, backoff was ignored")
        key = request.query.get("key", "")
        most = WITH_KEY if key else WITHOUT_KEY
        left = self.remaining.setdefault(key, most)
        if left <= 0:
            return _error(502, "throttle_violation", _SPENT)
        bounds = [request.query.get(name, default) for name, default in (("fromdate", "0"), ("todate", "99999999999"))]
        if not all(bound.isdecimal() for bound in bounds) or request.query.get("filter") != "total":
            return _error(400, "bad_parameter", "fromdate, todate, filter")
        self.remaining[key] = left - 1
        total = self.truth(request.query.get("tagged", ""), int(bounds[0]), int(bounds[1]))
        content = {"total": total, "quota_max": most, "quota_remaining": left - 1}
        if self._backoffs:
            content["backoff"] = self._backoffs.pop(0)
            self._wait_until = time.monotonic() + content["backoff"]
        return _gzipped(200, content)

    def truth(self, tag: str, first: int, last: int) -> int:
        """Return how many questions bear a tag ("": all) between two epoch seconds, both included."""
        if tag and tag not in self.tags:
            return 0
        now = int(self.now.replace(tzinfo=UTC).timestamp())
        first, last = max(first, _epoch(FIRST)), min(last, now)
        if first > last:
            return 0
        return _before(tag, last + 1) - _before(tag, first)

    def month(self, tag: str, month: date) -> int:
        """Return a month's questions with a tag ("": all)."""
        after = (month + timedelta(days=31)).replace(day=1)
        return self.truth(tag, _epoch(month), _epoch(after) - 1)


def _before(tag: str, second: int) -> int:
    """Return how many questions came before an epoch second, since FIRST."""
    day, within = divmod(second - _epoch(FIRST), DAY)
    today = _on(tag, day)
    return _sums(tag, day) + -(-within * today // DAY)


@cache
def _sums(tag: str, day: int) -> int:
    # By years, so that no recursion gets deep.
    start = day // 365 * 365
    return (_sums(tag, start - 365) + sum(_on(tag, n) for n in range(start - 365, start)) if start else 0) + sum(
        _on(tag, n) for n in range(start, day)
    )


@cache
def _on(tag: str, day: int) -> int:
    year = FIRST.year + FIRST.month / 12 + day / 365.25
    height, best = TAGS.get(tag, (4, 2018.0)) if tag else (ALL, 2015.0)
    rise = 2 ** (-((year - best) ** 2) / (20 if not tag else 8))
    fall = 1.0 if year < 2023 else 2 ** (-(year - 2023) / 1.2)
    scaled = height * rise * fall
    # A fraction of a question a day is one question every few days.
    return int(scaled) + (day * scaled % 1.0 < scaled % 1.0)


def _epoch(day: date) -> int:
    return int(datetime.combine(day, datetime.min.time(), UTC).timestamp())


def _error(number: int, name: str, message: str) -> Reply:
    return _gzipped(400, {"error_id": number, "error_name": name, "error_message": message})


def _gzipped(status: int, content: Any) -> Reply:
    headers = {"Content-Type": "application/json; charset=utf-8", "Content-Encoding": "gzip"}
    return Reply(status, gzip.compress(json.dumps(content).encode(), 1, mtime=0), headers)
