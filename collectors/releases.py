"""Releases: each repository's list from GitHub, the newest page of all before anyone's older. No author is kept."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import parse_qs, urlsplit

from collectors.base import Context, GivenUp, Outcome, Plan, Refused, recording
from collectors.fullnames import names_today
from collectors.hub import Answer, Hub, NoSuchRepository, budget
from collectors.refusals import Patience, Refusals
from collectors.releaselists import Known, read_known
from collectors.wording import REPOSITORIES_REFUSED, Noun, amounts
from warehouse.parse import Rejected, Row, rows_of
from warehouse.parse.releases import ALL, NEWEST, WHOLE
from warehouse.raw import Response, Run
from warehouse.schedule import INTERVALS, SLACK, unfinished_since

RELEASES_A_PAGE = 100
# What GitHub takes for granted when a redirect has lost our per_page.
GITHUBS_PER_PAGE = 30
SECONDS_A_REQUEST = 0.3
_NEWEST: Noun = ("repository's newest releases", "repositories' newest releases")
_OLDER: Noun = ("page of older releases", "pages of older releases")
_PAGES: Noun = ("page of releases", "pages of releases")
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


def collect(context: Context) -> Outcome:
    """Ask for every chosen framework's repositories. A fault of one repository does not stop the others."""
    with recording(context, "releases") as (run, outcome):
        _Collection(context, run, outcome).run()
    return outcome


def plan(context: Context) -> Plan:
    """Say what a run would ask: a page of each repository, and about one more of those not read whole."""
    known, now = read_known(context.archive), context.settings.clock()
    settled = _settled_from(context)
    resting = Refusals.of(context, "releases").resting
    names = [name for name in _names(context) if name not in resting]
    names = [name for name in names if not known.get(name, Known()).is_settled(now, settled)]
    unread = [name for name in names if not known.get(name, Known()).whole_head(now)]
    calls = len(names) + len(unread)
    try:
        remaining, limit = budget(context)
    except (Refused, GivenUp) as error:
        told, possible = f"unknown: {error}", calls
    else:
        told, possible = f"{remaining:,} of {limit:,} left, shared with stars", min(calls, remaining)
    refused = amounts((len(resting.intersection(_names(context))), REPOSITORIES_REFUSED))
    left = [amounts((calls - possible, _PAGES), about="about "), refused]
    return Plan("releases", possible, possible * SECONDS_A_REQUEST, told, " and ".join(filter(None, left)))


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
        self.known = read_known(context.archive)
        self.names_today = names_today(context.archive, context.settings.clock())
        self.refused_lately = Refusals.of(context, "releases")
        self.unasked = self.refused_lately.in_turn(_names(context), str)
        self.resting = self.refused_lately.resting.intersection(_names(context))
        self.readings: dict[str, _Reading] = {}
        self.now = context.settings.clock()
        self.settled = _settled_from(context)
        self.patience = Patience(outcome, "GitHub")
        self.done = 0
        self.task = context.progress.add_task("releases", total=len(self.unasked))

    def run(self) -> None:
        """Ask repositories refused lately when the others are read to their last page."""
        late = self.refused_lately.at
        self.context.claims["releases"] = len(self.unasked)
        try:
            for refused in (False, True):
                self._read([name for name in self.unasked if (name in late) is refused])
        finally:
            pages = sum(len(reading.pages) for reading in self.readings.values())
            left = (len(self.unasked), _NEWEST), (pages, _OLDER), (len(self.resting), REPOSITORIES_REFUSED)
            self.outcome.left = amounts(*left)

    def _read(self, names: list[str]) -> None:
        for name in names:
            self._attempt(name, 1)
            self.unasked.remove(name)
            self.context.claims["releases"] = len(self.unasked)
        for page in itertools.count(2):
            if not self.readings:
                break
            for name in [name for name, reading in self.readings.items() if page in reading.pages]:
                self._attempt(name, page)

    def _attempt(self, name: str, page: int) -> None:
        try:
            if page == 1:
                self._newest(name)
            else:
                self._older(name, page)
        except Refused as refusal:
            self.readings.pop(name, None)
            # A wrong name in the registry is not GitHub's fault, and must not keep the others from being asked.
            well = isinstance(refusal, NoSuchRepository)
            self.patience.refused(name, f"{name}: {refusal}", host_is_well=well)
        else:
            self.patience.answered()
        more = sum(len(reading.pages) for reading in self.readings.values())
        self.done += 1
        self.context.progress.update(
            self.task, completed=self.done, total=self.done + more + max(0, len(self.unasked) - 1)
        )

    def _newest(self, name: str) -> None:
        known = self.known.setdefault(name, Known())
        if known.is_settled(self.now, self.settled):
            return
        head = known.whole_head(self.now)
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
            self._finish(name, NEWEST if answer.has_next else ALL)
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
            self._finish(name, ALL)

    def _finish(self, name: str, pages: str) -> None:
        """Note how far the list was read, so that the next run need not page beyond a release that it knows.

        With ALL pages, a release not told since the first of them came (`read_from`) stands in the list no longer.
        """
        known = self.known[name]
        if known.head:
            read_from = min(known.pages.values()).isoformat()
            params = {"kind": WHOLE, "of": known.head.response_id, "pages": pages, "read_from": read_from}
            known.learn(self.archive.write(name, b"", params=params), [])


def _is_empty(answer: Answer) -> bool:
    return answer.response.body == b"[]"


def _number(address: str, key: str, default: int) -> int:
    value = parse_qs(urlsplit(address).query).get(key, [""])[0]
    return min(int(value), 1_000) if value.isdecimal() else default


def _settled_from(context: Context) -> datetime | None:
    """Return since when a list counts as asked, so that it is not asked again; None: ask them all.

    As for the stars; what a run left is due sooner than the others, which `collect --due` then leaves alone.
    """
    now = context.settings.clock()
    scheduled = now - INTERVALS["releases"] + SLACK if context.only_due else None
    marks = [unfinished_since(context.archive, "releases", now), scheduled]
    return min((mark for mark in marks if mark), default=None)


def _names(context: Context) -> list[str]:
    return [repo.name for framework in context.frameworks for repo in framework.repositories]
