"""Asks arXiv through the arxiv package with a session of ours: timeouts, patience, all answers archived."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import arxiv
import requests

from collectors.base import Context, LimitReached, Outcome
from collectors.waiting import come_back_at, is_limit
from collectors.wire import BrokenOff, TooLarge, Turns, open_session, oversized, told
from warehouse.parse.papers import Feed, feed
from warehouse.parse.tables import Rejected
from warehouse.raw import Response, Run
from warehouse.settings import without_userinfo

PAGE_SIZE = 500
# arXiv answers 400 beyond this offset.
MOST_RESULTS = 30_000
LIMITS = (429,)
# A person's element up to its end, or to where the feed breaks off; never beyond the entry.
_AUTHORS = re.compile(rb"\s*<(author|arxiv:affiliation)\b.*?(</\1>|(?=\s*</entry>)|\Z)", re.DOTALL)


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
        self._turns = Turns(context, "arXiv", self._address, context.settings.arxiv_delay)
        self._wire = open_session(context, LIMITS, context.settings.arxiv_delay)
        self.question = Question("", {})

    def request(self, method: str | bytes, url: str | bytes, *_: Any, **__: Any) -> requests.Response:
        """Ask; raises what `Feeds` promises. The signature is requests' own."""
        with self._turns.taken():
            try:
                with told(self._context, "arXiv", self._address):
                    answer = self._wire.request(method, url, timeout=self._settings.timeout)
            except BrokenOff as error:
                raise BadFeed(str(url), str(error)) from None
            except TooLarge as error:
                self._refuse_large(str(url), error)
            finally:
                # arXiv's terms allow one connection for all processes: none stays open for the next turn.
                self._wire.close()
        self._take(str(url), answer)
        return answer

    def _refuse_large(self, url: str, error: TooLarge) -> None:
        status = error.response.status_code if error.response is not None else 0
        response = self._archive(url, status, error.head, None, oversized(status))
        raise BadFeed(url, f"the answer is {error} (its head is raw answer {response.response_id})")

    def _archive(
        self, url: str, status: int, body: bytes, etag: str | None, marks: Mapping[str, Any] = MappingProxyType({})
    ) -> Response:
        query = {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}
        asked = {"query": query["search_query"], "start": int(query["start"]), "max_results": int(query["max_results"])}
        self._outcome.requests += 1
        return self._run.write(
            self.question.subject,
            without_authors(body),
            url=self._address,
            params={**self.question.params, **asked, **marks},
            status=status,
            etag=etag,
        )

    def _take(self, url: str, answer: requests.Response) -> None:
        response = self._archive(url, answer.status_code, answer.content, answer.headers.get("ETag"))
        if is_limit(answer.status_code, answer.headers, self._settings.clock()):
            raise LimitReached(
                "arXiv's limit is reached", come_back_at(answer.status_code, answer.headers, self._settings)
            )
        try:
            page = feed(response)
        except Rejected as reason:
            line = f"{reason} (raw answer {response.response_id})"
            raise (BadFeed(url, line) if answer.status_code == 200 else QueryRefused(line)) from None
        self.count(page)

    def count(self, page: Feed) -> None:
        """Add a good page to what came of the question; raises TooMany."""
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
        # The delay between requests is kept by Turns, for all processes together.
        self._client = arxiv.Client(PAGE_SIZE, 0.0, min(settings.retries, 2))
        self._client.query_url_format = settings.arxiv_api + "?{}"
        # The package offers no other way to set a timeout or to heed Retry-After.
        self._client._session = self._session

    def read(self, subject: str, query: str, params: Mapping[str, Any], begun: Sequence[Feed] = ()) -> Question:
        """Ask for all pages of papers; returns what came, to be compared with `total`. Raises TooMany over 30,000.

        `begun` are the first pages of the same question, archived before: only what follows them is asked.
        """
        self._session.question = question = Question(subject, params)
        for page in begun:
            self._session.count(page)
        question.rows = 0
        offset = sum(len(page.papers) for page in begun)
        if question.total is not None and offset >= question.total:
            return question
        self._client.page_size = PAGE_SIZE
        search = arxiv.Search(
            query,
            max_results=None,
            sort_by=arxiv.SortCriterion.SubmittedDate,
            sort_order=arxiv.SortOrder.Ascending,
        )
        for _ in self._client.results(search, offset):
            pass
        return question

    def count(self, subject: str, query: str, params: Mapping[str, Any]) -> Question:
        """Ask how many papers match, which is `total`, by a page of one."""
        self._session.question = question = Question(subject, params)
        self._client.page_size = 1
        next(self._client.results(arxiv.Search(query, max_results=1)), None)
        return question


def without_authors(feed_body: bytes) -> bytes:
    """Return the feed without its authors: dlpulse stores no person's name. Everything else stays as it came."""
    return _AUTHORS.sub(b"", feed_body)
