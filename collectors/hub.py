"""Asks GitHub's REST API through PyGithub: one answer at a time, archived before the next, within its limits."""

from __future__ import annotations

import json
import logging
import math
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import github
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, Requester

from collectors.base import Context, GivenUp, LimitReached, Outcome, Refused, Stopped
from collectors.waiting import come_back_at
from collectors.wire import BoundedAdapter, BrokenOff, TooLarge, Turns, oversized, told
from warehouse.raw import Response, Run
from warehouse.settings import without_userinfo

API_VERSION = "2026-03-10"
# What an hour allows without a token, for stars and releases together.
ANONYMOUS_BUDGET = 60
LIMITS = (403, 429)
# Of an instant in seconds since 1970, until the year 2286; more would be milliseconds, from a proxy.
SECONDS_DIGITS = 10
_LINK = re.compile(r'<([^<>]*)>;\s*rel="(\w+)"')
# PyGithub takes another connection only by a switch of the whole process.
_INJECTION = threading.Lock()
# It tells of each redirect on stderr, where dlpulse's own lines stand.
logging.getLogger("github").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Answer:
    """An archived answer with status 200 or 304, its ETag, and whether its Link header names a next page.

    `links` are the addresses of that header by relation: next, last, first, prev.
    """

    status: int
    etag: str | None
    has_next: bool
    response: Response
    links: Mapping[str, str] = field(default_factory=dict)


class NoSuchRepository(Refused):
    """A 404: the registry is wrong, and GitHub well."""


class Line:
    """The bare connection to GitHub (or DLPULSE_GITHUB_API): one request at a time; archives and counts nothing."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.address = without_userinfo(context.settings.github_api)
        self._body = b""
        self._requester = _client(context, self._see).requester
        self._turns = Turns(context, "GitHub", context.settings.github_api)

    def send(
        self, path: str, query: Mapping[str, Any], headers: Mapping[str, str]
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Return status, headers (lower-case names) and the body as it came.

        Raises:
            Refused: the answer broke off, or leads away from GitHub.
            TooLarge: see `wire`.
            GivenUp, Stopped: the host cannot be reached, or nothing more is wanted.
        """
        with self._turns.taken():
            try:
                with told(self._context, "GitHub", self.address):
                    # requestJsonAndCheck would take a web page for data.
                    status, found, _ = self._requester.requestJson(
                        "GET", path, parameters=dict(query), headers=dict(headers)
                    )
            except BrokenOff as error:
                raise Refused(str(error)) from None
            except RuntimeError as error:  # PyGithub's word for a redirect to another host, or in circles
                raise Refused(str(error)) from None
            return status, found, self._body

    def _see(self, body: bytes) -> None:
        self._body = body


def budget(context: Context) -> tuple[int, int]:
    """Return how many requests are left and the limit of an hour, by /rate_limit, which costs nothing.

    Raises:
        Refused: the answer is not what GitHub promises.
        GivenUp, Stopped: the host cannot be reached, or nothing more is wanted.
    """
    try:
        status, _, body = Line(context).send("/rate_limit", {}, {})
    except TooLarge as error:
        raise Refused(f"GitHub's budget is {error}") from None
    try:
        core = json.loads(body)["resources"]["core"]
        return int(core["remaining"]), int(core["limit"])
    except (ValueError, KeyError, TypeError):
        raise Refused(f"GitHub does not tell its budget (status {status})") from None


class Hub:
    """One run's conversation with GitHub (or DLPULSE_GITHUB_API); counts its answers in `outcome.requests`."""

    def __init__(self, context: Context, run: Run, outcome: Outcome, *, reserve: Callable[[], int] = lambda: 0) -> None:
        """Leave so many requests of the budget to others as `reserve` says, as stars do to releases."""
        self._context = context
        self._settings = context.settings
        self._run = run
        self._outcome = outcome
        self._reserve = reserve
        self._line = Line(context)
        self._spent_until: datetime | None = None

    def get(
        self,
        subject: str,
        path: str,
        params: Mapping[str, Any],
        *,
        etag: str | None = None,
        of: str | None = None,
        keep: Callable[[bytes], bytes] = bytes,
    ) -> Answer:
        """Ask for `path` (retries included) and archive the answer under `subject`.

        `params` are kept with the answer; those named page and per_page are sent. With `etag`, GitHub may
        answer 304, which is archived as revalidating the response id `of`. `keep` returns what of a body, whatever
        its status, may be archived.

        Raises:
            Refused: 404, another status than 200 and 304 that is no limit, or an answer that broke off.
            LimitReached: the budget is spent or GitHub asks to wait longer than `Settings.max_wait`.
            GivenUp: the token is refused, or the host cannot be reached.
            Stopped: the user asked to stop.
        """
        self._check_budget()
        status, headers, body = self._request(subject, path, params, etag, keep)
        self._outcome.requests += 1
        response = self._run.write(
            subject,
            keep(body),
            url=self._line.address + path,
            params=params,
            status=status,
            etag=headers.get("etag"),
            revalidates=of if status == 304 else None,
        )
        self._note_budget(headers)
        if status == 304 and not etag:
            raise Refused(f"GitHub answered 304 to what was no conditional request (raw answer {response.response_id})")
        self._check_status(status, headers, response)
        links = {relation: address for address, relation in _LINK.findall(headers.get("link", ""))}
        return Answer(status, headers.get("etag"), "next" in links, response, links)

    def _request(
        self, subject: str, path: str, params: Mapping[str, Any], etag: str | None, keep: Callable[[bytes], bytes]
    ) -> tuple[int, Mapping[str, str], bytes]:
        query = {key: params[key] for key in ("per_page", "page") if key in params}
        headers = {"If-None-Match": etag} if etag else {}
        try:
            return self._line.send(path, query, headers)
        except TooLarge as error:
            status = error.response.status_code if error.response is not None else 0
            self._outcome.requests += 1
            marked = {**params, **oversized(status)}
            head, url = keep(error.head), self._line.address + path
            response = self._run.write(subject, head, url=url, params=marked, status=status)
            raise Refused(f"the answer is {error} (its head is raw answer {response.response_id})") from None

    def _note_budget(self, headers: Mapping[str, str]) -> None:
        remaining, limit, reset = (headers.get(f"x-ratelimit-{name}", "") for name in ("remaining", "limit", "reset"))
        self._spent_until = None
        if remaining.isdecimal() and reset.isdecimal() and len(reset) <= SECONDS_DIGITS:
            renewed = datetime.fromtimestamp(int(reset) + 1, UTC).replace(tzinfo=None)
            of = f" of {int(limit):,}" if limit.isdecimal() else ""
            self._outcome.budget = f"{int(remaining):,}{of} calls left until {renewed:%Y-%m-%d %H:%M} UTC"
            if int(remaining) <= self._reserve():
                self._spent_until = renewed

    def _check_budget(self) -> None:
        """End before a request that GitHub would refuse; a reset within `max_wait` is waited for."""
        if self._spent_until:
            wait = (self._spent_until - self._settings.clock()).total_seconds()
            if wait > self._settings.max_wait:
                hint = "" if self._settings.github_token else " (a GITHUB_TOKEN gives 5,000 requests an hour)"
                raise LimitReached(f"GitHub's budget is spent{hint}", self._spent_until)
            self._context.stop.wait(max(0.0, wait))
        if self._context.stop.is_set():
            raise Stopped("stopped")

    def _check_status(self, status: int, headers: Mapping[str, str], response: Response) -> None:
        if status in (200, 304):
            return
        if status == 401:
            raise GivenUp("GitHub refuses the GITHUB_TOKEN (401): renew it, or unset it to ask without one")
        if status == 429 or (status == 403 and _names_a_limit(headers, response)):
            raise LimitReached("GitHub's limit is reached", come_back_at(status, headers, self._settings))
        if status == 404:
            raise NoSuchRepository("GitHub knows no such repository (404); correct its name in the registry")
        raise Refused(f"GitHub answered with status {status}, also after retries (raw answer {response.response_id})")


def _names_a_limit(headers: Mapping[str, str], response: Response) -> bool:
    words = response.body[:2000].decode("utf-8", "replace").lower()
    return "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0" or "rate limit" in words


def _client(context: Context, see: Callable[[bytes], None]) -> github.Github:
    settings = context.settings
    with _INJECTION:
        Requester.injectConnectionClasses(_bounded(context, see, "http://"), _bounded(context, see, "https://"))
        client = github.Github(
            auth=github.Auth.Token(settings.github_token) if settings.github_token else None,
            base_url=settings.github_api,
            api_version=API_VERSION,
            user_agent=settings.user_agent,
            timeout=math.ceil(settings.timeout),  # PyGithub wants whole seconds
            # One at a time, GitHub's own pace keeps us far below its 900 points a minute.
            seconds_between_requests=None,
        )
        Requester.resetConnectionClasses()
    return client


def _bounded(context: Context, see: Callable[[bytes], None], scheme: str) -> type:
    """Return PyGithub's connection with our adapter: bounded answers, and retries by our policy.

    Not PyGithub's own GithubRetry: it reads the body of a 403 away, leaves 429 out and shortens no Retry-After.
    """
    base = HTTPRequestsConnectionClass if scheme == "http://" else HTTPSRequestsConnectionClass

    class Bounded(base):  # type: ignore[misc, valid-type]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.session.mount(scheme, BoundedAdapter(context, LIMITS, see=see))

        def getresponse(self) -> Any:
            answer = super().getresponse()
            if answer.status == 202:  # PyGithub would ask again and again, without end
                raise RuntimeError("GitHub has no answer yet (202)")
            return answer

    return Bounded
