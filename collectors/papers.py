"""Papers: those on arXiv that name a framework, by window of submission, and how many papers there were each month."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from collectors.arxivfeed import MOST_RESULTS, PAGE_SIZE, BadFeed, Feeds, QueryRefused, Question, TooMany
from collectors.base import Context, GivenUp, Outcome, Plan, recording
from collectors.paperplan import Asked, Search, count_query, done_subject, month_window, months, read_asked, searches
from warehouse.raw import Run

COUNTS_A_RUN = 24
REFUSALS_IN_A_ROW = 3
Subject = TypeVar("Subject")


def collect(context: Context) -> Outcome:
    """Ask for the newest window, then monthly totals, then older windows: a short run gives a usable answer first."""
    with recording(context, "papers") as (run, outcome):
        _Collection(context, run, outcome).run()
    return outcome


def plan(context: Context) -> Plan:
    """Count a page for each window, as its number of papers is not known before it is asked, and the totals."""
    todo = _todo(context)
    counts = todo.months[:COUNTS_A_RUN]
    calls = len(todo.searches) + len(counts)
    later = len(todo.months) - len(counts)
    return Plan(
        "papers",
        calls=calls,
        seconds=calls * context.settings.arxiv_delay,
        budget=f"about: a call for every {PAGE_SIZE} papers; {COUNTS_A_RUN} totals a run",
        left=f"{later} monthly totals" if later else "",
    )


@dataclass
class _Todo:
    """What was asked before, and what is to be asked, newest first."""

    asked: Asked
    searches: list[Search]
    months: list[date]


def _todo(context: Context) -> _Todo:
    today = context.settings.clock().date()
    asked = read_asked(context.archive, today)
    frameworks = [framework for framework in context.frameworks if framework.arxiv_query]
    uncounted = [month for month in months(today, context.since, context.until) if month not in asked.months]
    return _Todo(asked, searches(frameworks, asked, context.since, context.until), uncounted)


class _Collection:
    def __init__(self, context: Context, run: Run, outcome: Outcome) -> None:
        self.archive_run = run
        self.outcome = outcome
        self.feeds = Feeds(context, run, outcome)
        self.refusals = 0
        self.todo = _todo(context)
        self.progress = context.progress
        steps = len(self.todo.searches) + min(len(self.todo.months), COUNTS_A_RUN)
        self.task = context.progress.add_task("papers", total=steps)

    def run(self) -> None:
        """Newest window, totals, older ones; what was not reached or did not succeed stands in the outcome as left."""
        newest, older = self.todo.searches[:1], self.todo.searches[1:]
        try:
            for search in newest:
                self._attempt(f"papers of {search.window.label}", self._window, search)
            for month in self.todo.months[:COUNTS_A_RUN]:
                self._attempt(f"papers in {month:%Y-%m}", self._month, month)
            for search in older:
                self._attempt(f"papers of {search.window.label}", self._window, search)
        finally:
            counts = {"windows of papers": len(self.todo.searches), "monthly totals": len(self.todo.months)}
            self.outcome.left = " and ".join(f"{count} {what}" for what, count in counts.items() if count)

    def _attempt(self, label: str, ask: Callable[[Subject], None], subject: Subject) -> None:
        try:
            ask(subject)
            self.refusals = 0
        except (QueryRefused, BadFeed) as error:
            self.outcome.failed.append(f"{label}: {getattr(error, 'message', error)}")
            self.refusals += 1
        self.progress.advance(self.task)
        if self.refusals == REFUSALS_IN_A_ROW:
            raise GivenUp(f"arXiv gave no usable answer {REFUSALS_IN_A_ROW} times in a row; try again later")

    def _window(self, search: Search) -> None:
        self._read(search)
        self.todo.searches.remove(search)

    def _read(self, search: Search) -> None:
        """Read a window to its end and note it, in halves when it has more papers than arXiv lets anyone read."""
        try:
            total = self._papers(search)
        except TooMany:
            halves = search.halves()
            if halves is None:
                raise QueryRefused(f"more than {MOST_RESULTS:,} papers in one day") from None
            for half in halves:
                self._read(half)
            return
        window = search.window
        note = {"from": window.start, "until": window.end, "query": search.query, "total": total, "received": total}
        self.archive_run.note(done_subject(window), note)

    def _papers(self, search: Search) -> int:
        """Read all pages but those that a run of today got before it was ended; returns how many papers came."""
        window = search.window
        subject, params = f"window:{window.label}", {"kind": "window", "from": window.start, "until": window.end}
        begun = self.todo.asked.begun(search.query)
        question = self.feeds.read(subject, search.query, params, begun)
        self._take_in(question)
        if begun and len(question.received) != question.total:
            # What came in between has shifted the pages: only those of one run are sure to fit together.
            question = self.feeds.read(subject, search.query, params)
            self._take_in(question)
        received = len(question.received)
        if received != question.total:
            raise QueryRefused(f"received {received} of the {question.total} papers that arXiv promised")
        return received

    def _month(self, month: date) -> None:
        label = f"{month:%Y-%m}"
        query = count_query(month_window(month))
        question = self.feeds.count(f"count:{label}", query, {"kind": "count", "month": label})
        if not question.total:
            raise QueryRefused("arXiv counts no papers at all in the machine-learning categories")
        self.outcome.rows += 1
        self.outcome.new += 1
        self.todo.months.remove(month)

    def _take_in(self, question: Question) -> None:
        known = self.todo.asked.papers
        self.outcome.rows += question.rows
        self.outcome.new += len(question.received - known)
        known |= question.received
