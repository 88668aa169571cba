"""Stars: each repository's record and its star history from GitHub, the newest weeks of all before anyone's older."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Collection, Iterator
from datetime import datetime
from functools import partial

from collectors import hub
from collectors.base import Context, GivenUp, Outcome, Plan, Refused, recording
from collectors.hub import Answer, Hub, NoSuchRepository
from collectors.refusals import Patience, Refusals
from collectors.starplan import (
    GITHUB_ID,
    WEEKS_A_PAGE,
    Known,
    PagePlan,
    is_settled,
    pages_left,
    read_known,
    seek_ids,
    settled_from,
    weeks_of,
)
from collectors.wording import REPOSITORIES_REFUSED, Noun, amounts
from warehouse.parse import Rejected, Row, rows_of
from warehouse.raw import Response, Run

_SECONDS_A_CALL = 0.3
_RECORDS: Noun = ("repository record", "repository records")
_PAGES: Noun = ("page of star history", "pages of star history")
# What is archived of a record; GitHub's messages are kept of what is none.
KEPT = (
    "id",
    "full_name",
    "stargazers_count",
    "forks_count",
    "open_issues_count",
    "subscribers_count",
    "archived",
    "created_at",
    "pushed_at",
)
_MESSAGE = ("message", "documentation_url", "status")
# Whatever may name a person; of a record that is cut short nothing after the first of them is kept.
_PEOPLE = re.compile(rb'"(owner|organization|parent|source|template_repository)"')


class AnotherRepository(NoSuchRepository):
    """The name belongs to another repository by now: as with a 404, the registry is wrong, and GitHub well."""


def without_people(body: bytes) -> bytes:
    """Return a record with KEPT and its license's spdx_id alone; of a broken one its head; anything else as it is."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        return _PEOPLE.split(body, maxsplit=1)[0] if body.lstrip().startswith((b"{", b"[")) else body
    kept = {key: content[key] for key in (*KEPT, *_MESSAGE) if key in content}
    if isinstance(content.get("license"), dict):
        kept["license"] = {"spdx_id": content["license"].get("spdx_id")}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()


def collect(context: Context) -> Outcome:
    """Ask for every chosen framework's repositories. A fault of one repository does not stop the others."""
    settled = settled_from(context.archive, context.settings.clock(), only_due=context.only_due)
    with recording(context, "stars") as (run, outcome):
        _Collection(context, run, outcome, settled).run()
    return outcome


def plan(context: Context) -> Plan:
    """Say what a run would ask; of repositories never asked, the pages are estimated by the first release."""
    resting = Refusals.of(context, "stars").resting.intersection(_names(context))
    records, pages, about = _wanted(context, resting)
    try:
        remaining, limit = hub.budget(context)
    except (Refused, GivenUp) as error:
        budget, calls = f"unknown: {error}", records + pages
    else:
        free = max(0, remaining - _reserve(context))
        budget, calls = f"{remaining:,} of {limit:,} left this hour", min(records + pages, free)
    left = (
        (records - calls, _RECORDS),
        (min(pages, records + pages - calls), _PAGES),
        (len(resting), REPOSITORIES_REFUSED),
    )
    return Plan(
        "stars",
        calls=calls,
        seconds=calls * _SECONDS_A_CALL,
        budget=budget,
        left=amounts(*left, about=about),
    )


def _wanted(context: Context, resting: Collection[str]) -> tuple[int, int, str]:
    """Return how many records and pages a run without limit would ask, and "about " when the pages are a guess."""
    now = context.settings.clock()
    known = read_known(context.archive, now)
    settled = settled_from(context.archive, now, only_due=context.only_due)
    records = pages = 0
    about = ""
    for framework in context.frameworks:
        for repo in (repo for repo in framework.repositories if repo.name not in resting):
            one = known.get(repo.name, Known())
            if one.record is None:
                about, one.created_on = "about ", framework.first_released_on
            records += not is_settled(one.record, settled)
            pages += len(PagePlan.make(one, now, settled=settled, covers=context.covers).pages)
    return records, pages, about


def _names(context: Context) -> list[str]:
    return [repo.name for framework in context.frameworks for repo in framework.repositories]


def _reserve(context: Context) -> int:
    """Return how many requests of the hour are left to the releases, which share the budget of those without token.

    All of their newest pages, less those that they have asked for already.
    """
    if context.settings.github_token or "releases" not in context.sources:
        return 0
    repositories = sum(len(framework.repositories) for framework in context.frameworks)
    return min(context.claims.get("releases", repositories), hub.ANONYMOUS_BUDGET // 2)


class _Collection:
    def __init__(self, context: Context, run: Run, outcome: Outcome, settled: datetime | None) -> None:
        self.context = context
        self.outcome = outcome
        self.settled = settled
        self.began = context.settings.clock()
        self.hub = Hub(context, run, outcome, reserve=partial(_reserve, context))
        self.known = read_known(context.archive, self.began)
        names = _names(context)
        seek_ids(context.archive, {name: self.known.setdefault(name, Known()) for name in names})
        self.refused_lately = Refusals.of(context, "stars")
        self.resting = self.refused_lately.resting.intersection(names)
        self.registered = {
            repo.name.lower(): repo.name
            for framework in context.registry.frameworks.values()
            for repo in framework.repositories
        }
        self.unasked = self.refused_lately.in_turn(names, str)
        self.plans: dict[str, PagePlan] = {}
        self.patience = Patience(outcome, "GitHub")
        self.progress = context.progress
        self.task = context.progress.add_task("stars", total=len(self.unasked))

    def run(self) -> None:
        """Ask all records first: they give the names for paging, for PyGithub loses the page at a rename's redirect.

        Repositories refused lately wait until the others are read to their last page.
        """
        try:
            for names in self._queues():
                for name in names:
                    self._attempt(name, None)
                for name, page in self._pages():
                    self._attempt(name, page)
        finally:
            self.outcome.left = self._left()
            self.outcome.noticed += self._disagreements()
        for name, paging in self.plans.items():
            self.outcome.failed += [f"{name}: {line}" for line in paging.gaps()]

    def _queues(self) -> list[list[str]]:
        late = self.refused_lately.at
        return [[name for name in self.unasked if (name in late) is refused] for refused in (False, True)]

    def _pages(self) -> Iterator[tuple[str, int]]:
        """Yield page 1 of every repository, then page 2 of every, …; plans grow and end meanwhile."""
        for page in itertools.count(1):
            if not pages_left(self.plans):
                return
            yield from [(name, page) for name, paging in self.plans.items() if page in paging.pages]

    def _attempt(self, name: str, page: int | None) -> None:
        """Ask for a repository's record (no page) or a page of its history."""
        try:
            if page is None:
                self._record(name)
            else:
                self._history(name, page)
            self.patience.answered()
        except Refused as refusal:
            self._refused(name, refusal)
        if page is None:
            self.unasked.remove(name)
        self.progress.update(self.task, advance=1, total=self._total(1))

    def _refused(self, name: str, refusal: Refused) -> None:
        self.plans.pop(name, None)
        line = str(refusal) if isinstance(refusal, AnotherRepository) else f"{name}: {refusal}"
        self.patience.refused(name, line, host_is_well=isinstance(refusal, NoSuchRepository))

    def _record(self, name: str) -> None:
        known = self.known.setdefault(name, Known())
        if not is_settled(known.record, self.settled):
            etag, of = (known.record.etag, known.record.response_id) if known.record else (None, None)
            # Under today's name there is no redirect, which would cost a request each time.
            path = f"/repos/{known.full_name or name}"
            cut = "all fields but " + ", ".join((*KEPT, "license.spdx_id"))
            params = {"kind": "repo", "cut": cut, GITHUB_ID: known.github_id}
            answer = self.hub.get(name, path, params, etag=etag, of=of, keep=without_people)
            if other := known.other_id([] if answer.status == 304 else self._rows(answer.response)):
                raise AnotherRepository(
                    f"{name} is another repository today (id {other}, was {known.github_id}): "
                    "give the new one its own entry in the registry"
                )
            self._take(known, answer, known.record.rows if known.record else [])
        if line := self._alias(name, known):
            self.outcome.failed.append(line)
            self.outcome.refused.append(name)
        else:
            now = self.context.settings.clock()
            self.plans[name] = PagePlan.make(known, now, settled=self.settled, covers=self.context.covers)

    def _alias(self, name: str, known: Known) -> str | None:
        """Say so when the repository stands in the registry under another name too: it is not paged twice."""
        advice = "move it to formerly in the registry"
        today = self.registered.get(known.full_name.lower(), name)
        if today != name:
            return f"{name} is {today} today: {advice}"
        for other in self.plans:
            if self.known[other].github_id == known.github_id:
                return f"{name} and {other} are both {known.full_name} today: {advice}"
        return None

    def _history(self, name: str, page: int) -> None:
        paging, known = self.plans[name], self.known[name]
        path = f"/repos/{paging.full_name}/stargazers/history"
        params = {"kind": "history", "page": page, "per_page": WEEKS_A_PAGE}
        before = known.page_one(self.context.settings.clock()) if page == 1 else None
        etag, of = (before.etag, before.response_id) if before else (None, None)
        answer = self.hub.get(name, path, params, etag=etag, of=of)
        rows = self._take(known, answer, before.rows if before else [])
        if answer.status == 304:
            paging.confirmed(page, weeks_of(rows))
        else:
            paging.received(page, weeks_of(rows), has_next=answer.has_next)

    def _take(self, known: Known, answer: Answer, before: list[Row]) -> list[Row]:
        """Learn an answer and return its rows: for a 304 those `before`, which it confirms."""
        rows = before if answer.status == 304 else self._rows(answer.response)
        if not rows:
            page = answer.response.params["page"]
            raise Refused(f"page {page} of its star history is empty, although the repository is older")
        self.outcome.rows += len(rows)
        self.outcome.new += known.take(answer.response, rows)
        return rows

    def _rows(self, response: Response) -> list[Row]:
        try:
            return rows_of(response)
        except Rejected as reason:
            raise Refused(f"{reason} (raw answer {response.response_id})") from None

    def _left(self) -> str:
        records, pages = (len(self.unasked), _RECORDS), (pages_left(self.plans), _PAGES)
        return amounts(records, pages, (len(self.resting), REPOSITORIES_REFUSED))

    def _disagreements(self) -> Iterator[str]:
        """Yield a line for each repository whose days do not add up to its count, where both were read in this run."""
        for name, paging in self.plans.items():
            known = self.known[name]
            both = is_settled(known.record, self.began) and is_settled(known.first_page, self.began)
            if both and not paging.pages and (line := known.disagreement()):
                yield f"{name}: {line}"

    def _total(self, now: int) -> float:
        done = self.progress.tasks[self.task].completed
        return done + now + len(self.unasked) + pages_left(self.plans)
