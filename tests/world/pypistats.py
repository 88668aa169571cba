"""pypistats.org's API: the last 180 days of a package, up to yesterday; the limit of 30 requests a minute by order."""

from __future__ import annotations

import re
import time
from datetime import date, datetime, timedelta

from tests.world.packages import Packages, normal
from tests.world.reply import Reply, Request, as_json, as_text

DAYS = 180
A_MINUTE = 30
_PATH = re.compile(r"/api/packages/([^/]+)/overall/?")


class PyPIStats:
    """`limit` switches the real clock's limit on; `now` is UTC without zone."""

    def __init__(self, now: datetime, packages: Packages) -> None:
        self.now, self.packages = now, packages
        self.limit = False
        self._asked: list[float] = []

    def at(self, now: datetime) -> None:
        """Move the clock."""
        self.now = now

    def reply(self, request: Request) -> Reply:
        """Answer GET."""
        if self.limit and self._too_fast():
            return as_text(429, "RATE LIMIT EXCEEDED")
        match = _PATH.fullmatch(request.path)
        if match is None or normal(match[1]) not in self.packages.first:
            return as_text(404, "404")
        mirrors = {"true": (True,), "false": (False,)}.get(request.query.get("mirrors", ""), (True, False))
        rows = [
            {"category": "with_mirrors" if with_them else "without_mirrors", "date": str(day), "downloads": downloads}
            for with_them in mirrors
            for day, downloads in self.truth(match[1], with_them).items()
        ]
        return as_json(200, {"data": rows, "package": normal(match[1]), "type": "overall_downloads"})

    def truth(self, package: str, mirrors: bool = False) -> dict[date, int]:
        """Return the days that the API tells of a package."""
        days = [self.now.date() - timedelta(days=n) for n in range(DAYS, 0, -1)]
        counted = {day: self.packages.downloads(package, day, mirrors) for day in days}
        return {day: downloads for day, downloads in counted.items() if downloads is not None}

    def _too_fast(self) -> bool:
        now = time.monotonic()
        self._asked = [*(moment for moment in self._asked if moment > now - 60), now]
        return len(self._asked) > A_MINUTE
