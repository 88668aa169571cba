"""How long to wait for a source, as policy handed to the HTTP clients: urllib3's Retry with a ceiling and a stop."""

from __future__ import annotations

import email.utils
import threading
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import MaxRetryError, ResponseError
from urllib3.response import BaseHTTPResponse
from urllib3.util.retry import Retry

from warehouse.settings import Clock, Settings

# GitHub: "wait at least one minute" after a secondary limit that names no time.
SECONDARY_WAIT_SECONDS = 60.0
SERVER_ERRORS = (500, 502, 503, 504)


def asked_wait(status: int, headers: Mapping[str, str], now: datetime) -> float | None:
    """Return how many seconds the answer asks to wait, or None when it names no time.

    `headers` ignore case. `now` is UTC without zone. Retry-After comes first (seconds or an HTTP date), then
    GitHub's x-ratelimit-reset of a spent budget, plus one second because the second of the reset is its start.
    """
    given = headers.get("retry-after", "").strip()
    if given.isdecimal():
        return float(given)
    if given and (moment := email.utils.parsedate_tz(given)):
        return max(0.0, email.utils.mktime_tz(moment) - now.replace(tzinfo=UTC).timestamp())
    reset = headers.get("x-ratelimit-reset", "")
    if status in (403, 429) and headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return max(0.0, int(reset) - now.replace(tzinfo=UTC).timestamp()) + 1
    return None


def is_limit(status: int, headers: Mapping[str, str], now: datetime) -> bool:
    """Whether the answer means "too fast": 429, or a 503 that says when to come back; without that it is an outage."""
    return status == 429 or (status == 503 and asked_wait(status, headers, now) is not None)


def come_back_at(status: int, headers: Mapping[str, str], settings: Settings) -> datetime:
    """Return when a source that refused us may be asked again (UTC); a minute from now when it does not say."""
    now = settings.clock()
    wait = asked_wait(status, headers, now)
    return now + timedelta(seconds=SECONDARY_WAIT_SECONDS if wait is None else wait)


class PatientRetry(Retry):
    """Retries limits and server errors; never waits longer than `max_wait`, and not at all once `stop` is set.

    Unlike urllib3's own, which waits a shortened Retry-After and asks too early, a wait beyond the ceiling ends the
    retrying: the caller gets that answer and can say when to come back. The last answer is always returned, never
    swallowed. Waits grow backoff, 2 backoff, 4 backoff, … from the first retry on.
    """

    def __init__(
        self, *, max_wait: float, secondary_wait: float, stop: threading.Event, clock: Clock, **kwargs: Any
    ) -> None:
        self.max_wait = max_wait
        self.secondary_wait = secondary_wait
        self.stop = stop
        self.clock = clock
        super().__init__(**kwargs)

    def new(self, **changes: Any) -> Self:
        """Return a copy with urllib3's counters changed."""
        ours = {name: getattr(self, name) for name in ("max_wait", "secondary_wait", "stop", "clock")}
        return super().new(**ours, **changes)

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        """Count one more try; raises MaxRetryError when there shall be none."""
        if self.stop.is_set() or (response is not None and not self._worthwhile(response)):
            reason = error or ResponseError("waiting longer than allowed, or stopped")
            raise MaxRetryError(_pool, url or "", reason)  # type: ignore[arg-type]
        return super().increment(method, url, response, error, _pool, _stacktrace)

    def sleep(self, response: BaseHTTPResponse | None = None) -> None:
        """Wait as the answer asks, else the growing back-off; woken by `stop`."""
        self.stop.wait(self._wait(response))

    def _worthwhile(self, response: BaseHTTPResponse) -> bool:
        if response.get_redirect_location():
            return True
        if self._is_unexplained_refusal(response) and any(entry.status == 403 for entry in self.history):
            return False
        return self._wait(response, tries=len(self.history) + 1) <= self.max_wait

    def _wait(self, response: BaseHTTPResponse | None, tries: int | None = None) -> float:
        backoff = self.backoff_factor * 2.0 ** max(0, (tries or len(self.history)) - 1)
        if response is None:
            return min(backoff, self.max_wait)
        asked = asked_wait(response.status, response.headers, self.clock())
        if asked is not None:
            return asked
        return self.secondary_wait if response.status == 403 else min(backoff, self.max_wait)

    def _is_unexplained_refusal(self, response: BaseHTTPResponse) -> bool:
        """A 403 that names no time: GitHub's secondary limit, or a real refusal. One more try tells."""
        return response.status == 403 and asked_wait(403, response.headers, self.clock()) is None


def retry_policy(
    settings: Settings, stop: threading.Event, limits: Collection[int], *, least: float = 0.0
) -> PatientRetry:
    """Return the policy for one host: `limits` are the statuses that mean "too fast", besides server errors.

    No retry comes sooner than `least` seconds. A refused or unresolvable host gets one retry.
    """
    return PatientRetry(
        total=settings.retries,
        connect=1,
        backoff_factor=max(settings.backoff, least),
        status_forcelist={*limits, *SERVER_ERRORS},
        allowed_methods={"GET"},
        raise_on_status=False,
        respect_retry_after_header=True,
        max_wait=settings.max_wait,
        secondary_wait=min(settings.max_wait, SECONDARY_WAIT_SECONDS),
        stop=stop,
        clock=settings.clock,
    )


def failure_words(error: Exception) -> str:
    """Say in a few words why a request got no answer."""
    text = repr(error)
    for sign, words in _REASONS.items():
        if sign in text:
            return words
    return type(error).__name__


_REASONS = {
    "NameResolution": "its name cannot be resolved",
    "Connection refused": "connection refused",
    "Network is unreachable": "no network",
    "timed out": "no answer in time",
    "Timeout": "no answer in time",
    "SSLError": "no secure connection",
    "Connection reset": "the connection was broken off",
    "RemoteDisconnected": "the connection was broken off",
    "ConnectionReset": "the connection was broken off",
}
