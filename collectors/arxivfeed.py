"""Asks arXiv through the arxiv package with a session of ours: timeouts, patience, all answers archived."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import arxiv
import platformdirs
import requests
from filelock import FileLock, Timeout
from requests.adapters import HTTPAdapter

from collectors.base import Context, GivenUp, LimitReached, Outcome, Stopped, Unreachable
from collectors.waiting import come_back_at, failure_words, retry_policy
from warehouse.parse.papers import Feed, feed
from warehouse.parse.tables import Rejected
from warehouse.raw import Run
from warehouse.settings import Settings, is_arxiv, without_userinfo

PAGE_SIZE = 500
# arXiv answers 400 beyond this offset.
MOST_RESULTS = 30_000
LIMITS = (429,)


class BadFeed(arxiv.UnexpectedEmptyPageError):  # type: ignore[misc]
    """An answer that is no usable page. As the package's own error for flaky pages, so that it asks again."""

    def __init__(self, url: str, message: str) -> None:
        super().__init__(url, 0, None)
        self.message = message


class QueryRefused(Exception):
    """arXiv answered a query with another status than 200, also after retries; the message is the line for people."""


class TooMany(Exception):
    """A query matches more papers than arXiv lets anyone read."""


@dataclass
class Question:
    """What is being asked, archived under `subject` with `params`, and what came.

    `total` is what arXiv promised, `received` holds the arXiv ids that came, `rows` counts them with repeats.
    """

    subject: str
    params: Mapping[str, Any]
    total: int | None = None
    received: set[str] = field(default_factory=set)
    rows: int = 0


class _Session(requests.Session):
    """Archives every answer, refuses bad ones, and lets nothing through but good pages."""

    def __init__(self, context: Context, run: Run, outcome: Outcome) -> None:
        super().__init__()
        self._context = context
        self._settings = context.settings
        self._address = without_userinfo(context.settings.arxiv_api)
        self._run = run
        self._outcome = outcome
        self.question = Question("", {})
        adapter = HTTPAdapter(max_retries=retry_policy(context.settings, context.stop, LIMITS))
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """Ask; raises what `Feeds` promises. The signature is requests' own."""
        if self._context.stop.is_set():
            raise Stopped("stopped")
        kwargs |= {"timeout": self._settings.timeout, "headers": {"User-Agent": self._settings.user_agent}}
        try:
            answer = super().request(method, url, *args, **kwargs)
        except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError):
            raise BadFeed(str(url), "the answer broke off before its end") from None
        except requests.RequestException as error:
            if self._context.stop.is_set():
                raise Stopped("stopped") from None
            host = urlsplit(self._address).netloc
            raise Unreachable(f"arXiv at {host} cannot be reached: {failure_words(error)}") from None
        self._take(str(url), answer)
        return answer

    def _take(self, url: str, answer: requests.Response) -> None:
        query = {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}
        asked = {"query": query["search_query"], "start": int(query["start"]), "max_results": int(query["max_results"])}
        self._outcome.requests += 1
        response = self._run.write(
            self.question.subject,
            answer.content,
            url=self._address,
            params={**self.question.params, **asked},
            status=answer.status_code,
            etag=answer.headers.get("ETag"),
        )
        if answer.status_code in (429, 503):
            raise LimitReached(
                "arXiv's limit is reached", come_back_at(answer.status_code, answer.headers, self._settings)
            )
        try:
            page = feed(response)
        except Rejected as reason:
            line = f"{reason} (raw answer {response.response_id})"
            raise (BadFeed(url, line) if answer.status_code == 200 else QueryRefused(line)) from None
        self._count(page)

    def _count(self, page: Feed) -> None:
        self.question.total = page.total
        self.question.rows += len(page.papers)
        self.question.received.update(paper["arxiv_id"] for paper in page.papers)
        if page.total > MOST_RESULTS and self.question.params["kind"] == "window":
            raise TooMany


class Feeds:
    """One run's conversation with arXiv (or DLPULSE_ARXIV_API): one request at a time, `arxiv_delay` apart.

    Counts its answers in `outcome.requests`.

    Raises, from both questions:
        QueryRefused, BadFeed: this question got no usable answer; the message says why.
        LimitReached, GivenUp, Stopped: the source ends here.
    """

    def __init__(self, context: Context, run: Run, outcome: Outcome) -> None:
        settings = context.settings
        self._session = _Session(context, run, outcome)
        self._client = arxiv.Client(PAGE_SIZE, settings.arxiv_delay, min(settings.retries, 2))
        self._client.query_url_format = settings.arxiv_api + "?{}"
        # The package offers no other way to set a timeout or to heed Retry-After.
        self._client._session = self._session

    def read(self, subject: str, query: str, params: Mapping[str, Any]) -> Question:
        """Ask for all pages of papers; returns what came, to be compared with `total`. Raises TooMany over 30,000."""
        self._session.question = question = Question(subject, params)
        self._client.page_size = PAGE_SIZE
        search = arxiv.Search(
            query,
            max_results=None,
            sort_by=arxiv.SortCriterion.SubmittedDate,
            sort_order=arxiv.SortOrder.Ascending,
        )
        for _ in self._client.results(search):
            pass
        return question

    def count(self, subject: str, query: str, params: Mapping[str, Any]) -> Question:
        """Ask how many papers match, which is `total`, by a page of one."""
        self._session.question = question = Question(subject, params)
        self._client.page_size = 1
        next(self._client.results(arxiv.Search(query, max_results=1)), None)
        return question


@contextmanager
def sole_asker(settings: Settings) -> Iterator[None]:
    """Hold the lock of the host: arXiv's terms allow one connection at a time, whatever the home."""
    host = urlsplit(settings.arxiv_api).hostname
    shared = platformdirs.user_cache_path("dlpulse", appauthor=False)
    folder = (shared if is_arxiv(settings.arxiv_api) else settings.home) / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / f"{host}.lock", timeout=settings.max_wait):
            yield
    except Timeout:
        raise GivenUp(f"another dlpulse is asking {host}; its terms allow one at a time") from None
