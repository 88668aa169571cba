"""Papers: those on arXiv that name a framework, by year of submission, and how many papers there were each month."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TypeVar

from collectors.arxivfeed import MOST_RESULTS, BadFeed, Feeds, QueryRefused, Question, TooMany, sole_asker
from collectors.base import Context, GivenUp, Outcome, recording
from collectors.paperplan import (
    Window,
    count_query,
    done_subject,
    month_window,
    months,
    read_asked,
    window_query,
    years,
)
from warehouse.raw import Run

COUNTS_A_RUN = 24
REFUSALS_IN_A_ROW = 3
Subject = TypeVar("Subject")


def collect(context: Context) -> Outcome:
    """Ask for the newest year, then monthly totals, then older years: a short run gives a usable answer first."""
    with recording(context, "papers") as (run, outcome), sole_asker(context.settings):
        _Collection(context, run, outcome).run()
    return outcome


class _Collection:
    def __init__(self, context: Context, run: Run, outcome: Outcome) -> None:
        self.archive_run = run
        self.outcome = outcome
        self.frameworks = [framework for framework in context.frameworks if framework.arxiv_query]
        self.feeds = Feeds(context, run, outcome)
        self.refusals = 0
        self.asked = read_asked(context.archive)
        now = context.settings.clock()
        self.windows = [
            window
            for window in (years(self.frameworks, now, context.since, context.until) if self.frameworks else ())
            if (window, window_query(self.frameworks, window)) not in self.asked.windows
        ]
        self.months = [month for month in months(now, context.since, context.until) if month not in self.asked.months]
        self.progress = context.progress
        steps = len(self.windows) + min(len(self.months), COUNTS_A_RUN)
        self.task = context.progress.add_task("papers", total=steps)

    def run(self) -> None:
        """Newest year, totals, older years; what was not reached or did not succeed stands in the outcome as left."""
        newest, older = self.windows[:1], self.windows[1:]
        try:
            for window in newest:
                self._attempt(f"papers of {window.label}", self._window, window)
            for month in self.months[:COUNTS_A_RUN]:
                self._attempt(f"papers in {month:%Y-%m}", self._month, month)
            for window in older:
                self._attempt(f"papers of {window.label}", self._window, window)
        finally:
            counts = {"windows of papers": len(self.windows), "monthly totals": len(self.months)}
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

    def _window(self, window: Window) -> None:
        query = window_query(self.frameworks, window)
        total = self._read(window)
        self.archive_run.note(
            done_subject(window),
            {"from": window.start, "until": window.end, "query": query, "total": total, "received": total},
        )
        self.windows.remove(window)

    def _read(self, window: Window) -> int:
        """Read a window to its end, in halves when it is too large for arXiv; returns how many papers it has."""
        query = window_query(self.frameworks, window)
        days = {"from": window.start, "until": window.end}
        try:
            question = self.feeds.read(f"window:{window.label}", query, {"kind": "window", **days})
        except TooMany:
            halves = window.halves()
            if halves is None:
                raise QueryRefused(f"more than {MOST_RESULTS:,} papers in one day") from None
            return sum(self._read(half) for half in halves)
        self._take_in(question)
        received = len(question.received)
        if received != question.total:
            raise QueryRefused(f"received {received} of the {question.total} papers that arXiv promised")
        return received

    def _month(self, month: date) -> None:
        window = month_window(month)
        label = f"{month:%Y-%m}"
        question = self.feeds.count(f"count:{label}", count_query(window), {"kind": "count", "month": label})
        if not question.total:
            raise QueryRefused("arXiv counts no papers at all in the machine-learning categories")
        self.outcome.rows += 1
        self.outcome.new += 1
        self.months.remove(month)

    def _take_in(self, question: Question) -> None:
        self.outcome.rows += question.rows
        self.outcome.new += len(question.received - self.asked.papers)
        self.asked.papers |= question.received
