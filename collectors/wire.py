"""The one HTTP session of all collectors: patient, bounded in size and time, one request at a time for each host."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs
import requests
from filelock import FileLock, Timeout
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth

from collectors.base import Context, GivenUp, Stopped, Unreachable
from collectors.waiting import failure_words, retry_policy
from warehouse.parse.tables import OVERSIZED
from warehouse.settings import Settings, is_loopback, without_userinfo

# No answer that dlpulse asks for comes near this; a larger one is a fault, and must not fill memory or archive.
MOST_BYTES = 32 * 2**20
KEPT_BYTES = 2**16
# A survey's answers have up to some 200 MB; more than this is not what was asked for.
MOST_FILE_BYTES = 2**31
# An answer that trickles: each piece in time, but no end.
LONGEST_ANSWER_IN_TIMEOUTS = 20
_TURN_POLL_SECONDS = 0.2


class TooLarge(requests.RequestException):
    """An answer beyond MOST_BYTES; `head` is its beginning, and `response` has its status and headers."""

    def __init__(self, response: requests.Response, head: bytes) -> None:
        super().__init__(f"larger than {MOST_BYTES // 2**20} MiB", response=response)
        self.head = head


class BrokenOff(Exception):
    """The connection ended in the middle of an answer, or what came cannot be unpacked."""


class BoundedAdapter(HTTPAdapter):
    """Retries by our policy, and reads an answer's body at once up to MOST_BYTES, unless asked to stream."""

    def __init__(
        self,
        context: Context,
        limits: Collection[int],
        delay: float = 0.0,
        see: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        """`see` is given each body as it came."""
        super().__init__(max_retries=retry_policy(context.settings, context.stop, limits, least=delay))
        self._see = see
        self._longest = context.settings.timeout * LONGEST_ANSWER_IN_TIMEOUTS

    def send(self, request: requests.PreparedRequest, stream: bool = False, *args: Any, **kwargs: Any) -> Any:
        """Send; raises TooLarge, ReadTimeout, and what requests raises."""
        answer = super().send(request, True, *args, **kwargs)
        if stream:
            return answer
        # Only the silence between two pieces counts for requests' timeout: this ends an answer that trickles.
        too_late = threading.Event()

        def end() -> None:
            too_late.set()
            answer.raw.shutdown()

        alarm = threading.Timer(self._longest, end)
        alarm.daemon = True
        alarm.start()
        try:
            body = _read(answer)
        except requests.RequestException:
            if not too_late.is_set():
                raise
        finally:
            alarm.cancel()
        if too_late.is_set():
            raise requests.exceptions.ReadTimeout("timed out: the answer trickles without end", request=request)
        # What requests itself would do next; it offers no limit to hook into.
        answer._content = body
        self._see(body)
        return answer


def _read(answer: requests.Response) -> bytes:
    body = bytearray()
    for chunk in answer.iter_content(2**16):
        body += chunk
        if len(body) > MOST_BYTES:
            answer.close()
            raise TooLarge(answer, bytes(body[:KEPT_BYTES]))
    return bytes(body)


def open_session(context: Context, limits: Collection[int], delay: float = 0.0) -> requests.Session:
    """Return a session whose requests name dlpulse; `limits` are the statuses that mean "too fast"."""
    session = requests.Session()
    session.headers["User-Agent"] = context.settings.user_agent
    session.auth = _of_the_address
    adapter = BoundedAdapter(context, limits, delay)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def _of_the_address(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Log in by the name and password of the address, if it has any, never by ~/.netrc: that is for other programs."""
    name, password = requests.utils.get_auth_from_url(request.url or "")
    return HTTPBasicAuth(name, password)(request) if name or password else request


@contextmanager
def told(context: Context, name: str, address: str) -> Iterator[None]:
    """Turn what requests raises into our own: BrokenOff, TooLarge as it is, Unreachable, Stopped."""
    try:
        yield
    except TooLarge:
        raise
    except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError):
        raise BrokenOff("the answer broke off before its end") from None
    except requests.RequestException as error:
        if context.stop.is_set():
            raise Stopped("stopped") from None
        host = urlsplit(without_userinfo(address)).netloc
        raise Unreachable(f"{name} at {host} cannot be reached: {failure_words(error)}") from None


def oversized(status: int) -> dict[str, Any]:
    """Return the params that mark an archived answer as the mere head of one that was too large."""
    return {OVERSIZED: f"status {status}: larger than {MOST_BYTES // 2**20} MiB; only its head was kept"}


class Turns:
    """Whose turn it is to ask a host: one request at a time, `delay` seconds apart, for all processes of this user."""

    def __init__(self, context: Context, name: str, address: str, delay: float = 0.0) -> None:
        self._stop = context.stop
        self._patience = context.settings.max_wait * 10 + context.settings.timeout
        self._name, self._delay = name, delay
        folder = lock_folder(context.settings, address)
        host = re.sub(r"[^a-z0-9.-]", "_", (urlsplit(without_userinfo(address)).netloc).lower())
        self._asked = folder / f"{host}.asked"
        self._lock = FileLock(folder / f"{host}.lock", thread_local=False)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for the turn and hold it; raises GivenUp when another process does not end its own, Stopped."""
        with self._held():
            self._stop.wait(self._pause())
            if self._stop.is_set():
                raise Stopped("stopped")
            try:
                yield
            finally:
                if self._delay:
                    self._asked.touch()

    @contextmanager
    def _held(self) -> Iterator[None]:
        deadline = time.monotonic() + self._patience
        # Waiting before taking the lock lets other processes have their turn in the pause.
        self._stop.wait(self._pause())
        while not self._stop.is_set():
            try:
                with self._lock.acquire(timeout=_TURN_POLL_SECONDS, poll_interval=0.01):
                    yield
                return
            except Timeout:
                if time.monotonic() > deadline:
                    raise GivenUp(f"another dlpulse is asking {self._name}; one at a time is allowed") from None
        raise Stopped("stopped")

    def _pause(self) -> float:
        """Return the seconds until the host may be asked again; never more than the delay, though clocks go back."""
        if not self._delay:
            return 0.0
        try:
            return min(self._delay, max(0.0, self._asked.stat().st_mtime + self._delay - time.time()))
        except FileNotFoundError:
            return 0.0


def lock_folder(settings: Settings, address: str) -> Path:
    """Return where a host's lock lies: one place for all homes, save for test servers on this machine."""
    shared = platformdirs.user_cache_path("dlpulse", appauthor=False) / "locks"
    own = settings.home / "locks"
    for folder in (own,) if is_loopback(address) else (shared, own):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:  # a user without a cache folder, as services often are
            continue
        if os.access(folder, os.W_OK):
            return folder
    raise GivenUp(f"{own}: cannot be written, and a lock has to lie there")
