"""Asks GitHub's REST API through PyGithub: one answer at a time, archived before the next, within its limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import github
import requests

from collectors.base import Context, GivenUp, LimitReached, Outcome, Stopped, Unreachable
from collectors.waiting import come_back_at, failure_words, retry_policy
from warehouse.raw import Response, Run
from warehouse.settings import without_userinfo

API_VERSION = "2026-03-10"
SECONDS_BETWEEN_REQUESTS = 0.05
LIMITS = (403, 429)


class Refused(Exception):
    """One answer gives no rows, which concerns its repository alone; the message is the line for people."""


@dataclass(frozen=True)
class Answer:
    """An archived answer with status 200 or 304, its ETag, and whether its Link header names a next page."""

    status: int
    etag: str | None
    has_next: bool
    response: Response


class Hub:
    """One run's conversation with GitHub (or DLPULSE_GITHUB_API); counts its answers in `outcome.requests`."""

    def __init__(self, context: Context, run: Run, outcome: Outcome) -> None:
        self._context = context
        self._settings = context.settings
        self._address = without_userinfo(context.settings.github_api)
        self._run = run
        self._outcome = outcome
        self._requester = _client(context).requester
        self._spent_until: datetime | None = None

    def get(
        self, subject: str, path: str, params: Mapping[str, Any], *, etag: str | None = None, of: str | None = None
    ) -> Answer:
        """Ask for `path` (retries included) and archive the answer under `subject`.

        `params` are kept with the answer; those named page and per_page are sent. With `etag`, GitHub may
        answer 304, which is archived as revalidating the response id `of`.

        Raises:
            Refused: 404, another status than 200 and 304 that is no limit, or an answer that broke off.
            LimitReached: the budget is spent or GitHub asks to wait longer than `Settings.max_wait`.
            GivenUp: the token is refused, or the host cannot be reached.
            Stopped: the user asked to stop.
        """
        self._check_budget()
        status, headers, text = self._request(path, params, etag)
        self._outcome.requests += 1
        self._note_budget(headers)
        response = self._run.write(
            subject,
            text.encode(),
            url=self._address + path,
            params=params,
            status=status,
            etag=headers.get("etag"),
            revalidates=of if status == 304 else None,
        )
        self._check_status(status, headers, response)
        return Answer(status, headers.get("etag"), 'rel="next"' in headers.get("link", ""), response)

    def _request(self, path: str, params: Mapping[str, Any], etag: str | None) -> tuple[int, Mapping[str, str], str]:
        query = {key: params[key] for key in ("per_page", "page") if key in params}
        headers = {"If-None-Match": etag} if etag else {}
        try:
            # requestJsonAndCheck would hide the body and take a web page for data.
            return self._requester.requestJson("GET", path, parameters=query, headers=headers)
        except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError):
            raise Refused("the answer broke off before its end") from None
        except requests.RequestException as error:
            if self._context.stop.is_set():
                raise Stopped("stopped") from None
            host = urlsplit(self._address).netloc
            raise Unreachable(f"GitHub at {host} cannot be reached: {failure_words(error)}") from None
        except RuntimeError as error:  # PyGithub's word for a redirect to another host, or in circles
            raise Refused(str(error)) from None

    def _note_budget(self, headers: Mapping[str, str]) -> None:
        reset = headers.get("x-ratelimit-reset", "")
        spent = headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal()
        self._spent_until = datetime.fromtimestamp(int(reset) + 1, UTC).replace(tzinfo=None) if spent else None

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
            raise Refused("GitHub knows no such repository (404); correct its name in the registry")
        raise Refused(f"GitHub answered with status {status}, also after retries (raw answer {response.response_id})")


def _names_a_limit(headers: Mapping[str, str], response: Response) -> bool:
    words = response.body[:2000].decode("utf-8", "replace").lower()
    return "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0" or "rate limit" in words


def _client(context: Context) -> github.Github:
    settings = context.settings
    return github.Github(
        auth=github.Auth.Token(settings.github_token) if settings.github_token else None,
        base_url=settings.github_api,
        api_version=API_VERSION,
        user_agent=settings.user_agent,
        timeout=math.ceil(settings.timeout),  # PyGithub wants whole seconds
        # Not PyGithub's own GithubRetry: it reads the body of a 403 away, leaves 429 out and shortens no Retry-After.
        retry=retry_policy(settings, context.stop, LIMITS),
        seconds_between_requests=SECONDS_BETWEEN_REQUESTS,
    )
