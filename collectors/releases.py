"""Releases: each repository's list from GitHub, the newest page of all before anyone's older. No author is kept."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from collectors.base import Context, GivenUp, Outcome, Plan, Refused, recording
from collectors.hub import Answer, Hub, NoSuchRepository, budget
from collectors.starplan import FORGOTTEN_AFTER
from collectors.worklist import REFUSALS_IN_A_ROW
from warehouse.parse import Rejected, Row, rows_of
from warehouse.raw import Response, Run
from warehouse.schedule import unfinished_since

RELEASES_A_PAGE = 100
# What GitHub takes for granted when a redirect has lost our per_page.
GITHUBS_PER_PAGE = 30
# Old releases are changed or withdrawn now and then: all pages are read again after this time.
REREAD_AFTER = timedelta(days=90)
SECONDS_A_REQUEST = 0.3
KEPT = ("tag_name", "name", "draft", "prerelease", "created_at", "published_at")
_PATH = re.compile(r"/(?:repositories/\d+|repos/[^/]+/[^/]+)/releases")
# Whatever may name a person; in a list that is cut short nothing after the first of them is kept.
_PEOPLE = re.compile(rb'"(author|body|body_html|body_text|assets|reactions|uploader)"')


def without_people(body: bytes) -> bytes:
    """Return a list of releases with KEPT alone; of a broken list its head; anything else as it is."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return _PEOPLE.split(body, maxsplit=1)[0] if body.lstrip().startswith(b"[") else body
    if not isinstance(content, list):
        return body
    cut = [{key: entry[key] for key in KEPT if key in entry} if isinstance(entry, dict) else None for entry in content]
    return json.dumps(cut, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass
class _Known:
    """What earlier answers said of one repository.

    `pages` are those read since the list's head was last seen changed, unless `whole_at` says that all were.
    `complete` are the versions known when all were read.
    """

    head: Response | None = None
    read_at: datetime = datetime.min
    on_head: int = 0
    pages: set[int] = field(default_factory=set)
    versions: set[str] = field(default_factory=set)
    complete: set[str] = field(default_factory=set)
    whole_at: datetime = datetime.min
    whole_of: str | None = None

    def learn(self, response: Response, rows: list[Row]) -> int:
        """Take in an accepted page or our note that all were read; returns how many versions were not known."""
        if response.params.get("kind") == "whole":
            self.whole_at, self.whole_of = response.fetched_at, response.params["of"]
            self.complete, self.pages = set(self.versions), set()
            return 0
        page = response.params["page"]
        if page == 1:
            self.read_at = response.fetched_at
        if response.status != 200:
            return 0
        if page == 1:
            if self.head is None or self.head.body_sha256 != response.body_sha256:
                self.pages = set()
            self.head, self.on_head = response, len(rows)
        self.pages.add(page)
        before = len(self.versions)
        self.versions.update(row["version"] for _, row in rows)
        return len(self.versions) - before

    def is_fresh(self, now: datetime) -> bool:
        """Whether all pages were read, not too long ago."""
        return now - self.whole_at < REREAD_AFTER

    def whole_head(self, now: datetime) -> Response | None:
        """Return the newest page if nothing but its change can tell more; a run may have ended after asking it."""
        known = self.head and self.head.response_id == self.whole_of and self.is_fresh(now)
        # An empty list may be a fault, and is never confirmed by a 304.
        return self.head if known and self.on_head else None


def collect(context: Context) -> Outcome:
    """Ask for every chosen framework's repositories. A fault of one repository does not stop the others."""
    with recording(context, "releases") as (run, outcome):
        _Collection(context, run, outcome).run()
    return outcome


def plan(context: Context) -> Plan:
    """Say what a run would ask: a page of each repository, and about one more of those not read whole."""
    known, now = _read_known(context), context.settings.clock()
    names = _names(context)
    unread = [name for name in names if not known.get(name, _Known()).whole_head(now)]
    calls = len(names) + len(unread)
    try:
        remaining, limit = budget(context)
    except (Refused, GivenUp) as error:
        told, possible = f"unknown: {error}", calls
    else:
        told, possible = f"{remaining:,} of {limit:,} left this hour", min(calls, remaining)
    left = f"about {calls - possible:,} pages of releases" if possible < calls else ""
    return Plan("releases", possible, possible * SECONDS_A_REQUEST, told, left)


@dataclass
class _Reading:
    """The pages of one repository still to be asked, and how: as the first page's Link header says.

    PyGithub follows a rename's redirect without the query: then page 1 came with another per_page than asked for.
    """

    path: str
    per_page: int
    pages: list[int]


class _Collection:
    def __init__(self, context: Context, run: Run, outcome: Outcome) -> None:
        self.context, self.archive, self.outcome = context, run, outcome
        self.hub = Hub(context, run, outcome)
        self.known = _read_known(context)
        self.names_today = _names_today(context)
        self.unasked = _names(context)
        self.readings: dict[str, _Reading] = {}
        self.now = context.settings.clock()
        self.settled = unfinished_since(context.archive, "releases", self.now)
        self.refusals = self.done = 0
        self.task = context.progress.add_task("releases", total=len(self.unasked))

    def run(self) -> None:
        try:
            for name in list(self.unasked):
                self._attempt(name, 1)
                self.unasked.remove(name)
            for page in itertools.count(2):
                if not self.readings:
                    break
                for name in [name for name, reading in self.readings.items() if page in reading.pages]:
                    self._attempt(name, page)
        finally:
            pages = sum(len(reading.pages) for reading in self.readings.values())
            left = {"repositories' newest releases": len(self.unasked), "pages of older releases": pages}
            self.outcome.left = " and ".join(f"{count:,} {noun}" for noun, count in left.items() if count)

    def _attempt(self, name: str, page: int) -> None:
        try:
            if page == 1:
                self._newest(name)
            else:
                self._older(name, page)
        except Refused as refusal:
            self.outcome.failed.append(f"{name}: {refusal}")
            self.readings.pop(name, None)
            # A wrong name in the registry is not GitHub's fault, and must not keep the others from being asked.
            self.refusals += not isinstance(refusal, NoSuchRepository)
            if self.refusals == REFUSALS_IN_A_ROW:
                raise GivenUp(f"GitHub gave no usable answer {self.refusals} times in a row") from None
        else:
            self.refusals = 0
        more = sum(len(reading.pages) for reading in self.readings.values())
        self.done += 1
        self.context.progress.update(
            self.task, completed=self.done, total=self.done + more + max(0, len(self.unasked) - 1)
        )

    def _newest(self, name: str) -> None:
        known = self.known.setdefault(name, _Known())
        head = known.whole_head(self.now)
        if head and self.settled and known.read_at >= self.settled:
            return
        path = f"/repos/{self.names_today.get(name, name)}/releases"
        answer = self._ask(name, path, 1, RELEASES_A_PAGE, head)
        if answer.status == 304:
            known.learn(answer.response, [])
            self.outcome.rows += known.on_head
            return
        complete = set(known.complete) if known.is_fresh(self.now) else set()
        rows = self._learn(name, answer)
        if _is_empty(answer) and known.versions:
            raise Refused(f"its list of releases is empty, although it has had {len(known.versions)}")
        seen = {row["version"] for _, row in rows}
        first = min((row["released_on"] for _, row in rows), default=date.min)
        if not answer.has_next or complete & seen:
            self._finish(name)
        elif first >= (self.context.since or date.min):
            self.readings[name] = self._reading(answer)
            self.readings[name].pages = [page for page in self.readings[name].pages if page not in known.pages]
            self._finish_when_done(name)

    def _older(self, name: str, page: int) -> None:
        reading = self.readings[name]
        answer = self._ask(name, reading.path, page, reading.per_page)
        self._learn(name, answer)
        if _is_empty(answer):
            raise Refused(f"page {page} of its releases is empty, although GitHub announced it")
        reading.pages.remove(page)
        if answer.has_next and not reading.pages:
            reading.pages.append(page + 1)
        self._finish_when_done(name)

    def _ask(self, name: str, path: str, page: int, per_page: int, head: Response | None = None) -> Answer:
        params = {"kind": "releases", "page": page, "per_page": per_page, "cut": "all fields but " + ", ".join(KEPT)}
        conditions = {"etag": head.etag, "of": head.response_id} if head else {}
        return self.hub.get(name, path, params, **conditions, keep=without_people)

    def _learn(self, name: str, answer: Answer) -> list[Row]:
        try:
            rows = rows_of(answer.response)
        except Rejected as reason:
            raise Refused(f"{reason} (raw answer {answer.response.response_id})") from None
        self.outcome.rows += len(rows)
        self.outcome.new += self.known[name].learn(answer.response, rows)
        return rows

    def _reading(self, answer: Answer) -> _Reading:
        """Return how to page on. GitHub's links go by the repository's number, which no renaming changes."""
        address = urlsplit(answer.links["next"])
        path = address.path.removeprefix(urlsplit(self.context.settings.github_api).path.rstrip("/"))
        if not _PATH.fullmatch(path):
            raise Refused(f"its releases go on at {path!r}, which is no list of releases")
        last = _number(answer.links.get("last", answer.links["next"]), "page", 2)
        return _Reading(path, _number(answer.links["next"], "per_page", GITHUBS_PER_PAGE), list(range(2, last + 1)))

    def _finish_when_done(self, name: str) -> None:
        if not self.readings[name].pages:
            del self.readings[name]
            self._finish(name)

    def _finish(self, name: str) -> None:
        """Note that every page was read, so that the next run need not page beyond a release that it knows."""
        known = self.known[name]
        if known.head:
            params = {"kind": "whole", "of": known.head.response_id}
            known.learn(self.archive.write(name, b"", params=params), [])


def _is_empty(answer: Answer) -> bool:
    return answer.response.body == b"[]"


def _number(address: str, key: str, default: int) -> int:
    value = parse_qs(urlsplit(address).query).get(key, [""])[0]
    return min(int(value), 1_000) if value.isdecimal() else default


def _read_known(context: Context) -> dict[str, _Known]:
    """Read the archived answers of the source, by registry name of the repository; rejected ones tell nothing."""
    known: dict[str, _Known] = {}
    for response in context.archive.responses("releases"):
        if "kind" in response.params:
            try:
                rows = rows_of(response)
            except Rejected:
                continue
            known.setdefault(response.subject, _Known()).learn(response, rows)
    return known


def _names(context: Context) -> list[str]:
    return [repo.name for framework in context.frameworks for repo in framework.repositories]


def _names_today(context: Context) -> dict[str, str]:
    """Return today's full name of each repository of which the stars' records tell it."""
    names: dict[str, str] = {}
    for response in context.archive.responses("stars", since=context.settings.clock() - FORGOTTEN_AFTER):
        if response.params.get("kind") == "repo":
            try:
                names |= {row["repo_id"]: row["full_name"] for _, row in rows_of(response)}
            except Rejected:
                continue
    return names
