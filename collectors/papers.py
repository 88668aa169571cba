"""Papers: those on arXiv that name a framework, by window of submission, and how many papers there were each month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from collectors.arxivfeed import MOST_RESULTS, BadFeed, Feeds, QueryRefused, Question, TooMany
from collectors.base import Context, Outcome, Plan, recording
from collectors.paperplan import (
    Asked,
    Search,
    count_query,
    done_subject,
    month_window,
    months,
    pages_since,
    read_asked,
    searches,
)
from collectors.refusals import Patience, Refusals
from collectors.wording import Noun, amounts
from warehouse.parse.papers import Feed
from warehouse.raw import Run

COUNTS_A_RUN = 24
_WINDOWS: Noun = ("window of papers", "windows of papers")
_TOTALS: Noun = ("monthly total", "monthly totals")
Subject = Search | date
"""What is asked for: the papers of a window, or how many there were in a month, given by its first day."""


def collect(context: Context) -> Outcome:
    """Ask for the newest window, then monthly totals, then older windows: a short run gives a usable answer first.

    Of these, what was refused lately comes last, and rests for a day under --due.
    """
    with recording(context, "papers") as (run, outcome):
        _Collection(context, run, outcome).run()
    return outcome


def plan(context: Context) -> Plan:
    """Count a page for each window, as its number of papers is not known before it is asked, and the totals."""
    todo = _todo(context)
    steps = todo.steps()
    counts = sum(isinstance(subject, date) for subject in steps)
    calls = len(steps)
    return Plan(
        "papers",
        calls=calls,
        seconds=calls * context.settings.arxiv_delay,
        budget=f"{COUNTS_A_RUN} totals a run",
        left=_words(len(todo.searches) - (calls - counts), len(todo.months) - counts),
    )


@dataclass
class _Todo:
    """What was asked before, and what is to be asked, newest first."""

    asked: Asked
    refusals: Refusals
    searches: list[Search]
    months: list[date]

    def steps(self) -> list[Subject]:
        """Return what one run asks, in its order."""
        windows = self.refusals.in_turn(self.searches, _label)
        totals = self.refusals.in_turn(self.months, _label)[:COUNTS_A_RUN]
        steps: list[Subject] = [*windows[:1], *totals, *windows[1:]]
        return self.refusals.in_turn(steps, _label)


def _label(subject: Subject) -> str:
    """Name a question in a run's end note. The window that goes on ends on another day tomorrow: its start names it."""
    return f"papers in {subject:%Y-%m}" if isinstance(subject, date) else f"papers from {subject.window.start}"


def _words(windows: int, totals: int) -> str:
    return amounts((windows, _WINDOWS), (totals, _TOTALS))


def _todo(context: Context) -> _Todo:
    today = context.settings.clock().date()
    asked = read_asked(context.archive, today)
    frameworks = [framework for framework in context.frameworks if framework.arxiv_query]
    # Without a framework to look for there is nothing that a month's total would be the denominator of.
    countable = months(today, context.since, context.until) if frameworks else ()
    uncounted = [month for month in countable if month not in asked.months]
    refusals = Refusals.of(context, "papers")
    return _Todo(asked, refusals, searches(frameworks, asked, context.since, context.until), uncounted)


class _Collection:
    def __init__(self, context: Context, run: Run, outcome: Outcome) -> None:
        self.archive, self.archive_run = context.archive, run
        self.outcome = outcome
        self.feeds = Feeds(context, run, outcome)
        self.patience = Patience(outcome, "arXiv")
        self.todo = _todo(context)
        self.progress = context.progress
        self.steps = self.todo.steps()
        self.task = context.progress.add_task("papers", total=len(self.steps))

    def run(self) -> None:
        """Take the steps; what was not reached or did not succeed stands in the outcome as left."""
        try:
            for subject in self.steps:
                self._attempt(subject)
        finally:
            self.outcome.left = _words(len(self.todo.searches), len(self.todo.months))

    def _attempt(self, subject: Subject) -> None:
        try:
            if isinstance(subject, date):
                self._month(subject)
            else:
                self._window(subject)
            self.patience.answered()
        except (QueryRefused, BadFeed) as error:
            asked = _label(subject) if isinstance(subject, date) else f"papers of {subject.window.label}"
            self.patience.refused(_label(subject), f"{asked}: {getattr(error, 'message', error)}")
        self.progress.advance(self.task)

    def _window(self, search: Search) -> None:
        self._read(search)
        self.todo.searches.remove(search)

    def _read(self, search: Search) -> None:
        """Read a window to its end and note it, in halves when it has more papers than arXiv lets anyone read."""
        try:
            total, pages = self._papers(search)
        except TooMany:
            halves = search.halves()
            if halves is None:
                raise QueryRefused(f"more than {MOST_RESULTS:,} papers in one day") from None
            for half in halves:
                self._read(half)
            return
        window = search.window
        note = {"from": window.start, "until": window.end, "query": search.query, "total": total, "received": total}
        self.archive_run.note(done_subject(window), {**note, "responses": pages})

    def _papers(self, search: Search) -> tuple[int, list[str]]:
        """Read all pages but those that a run of today got before it was ended; returns papers and the pages' ids."""
        begun = self.todo.asked.begun(search.query)
        question, pages = self._pages(search, begun)
        if begun and len(question.received) != question.total:
            # What came in between has shifted the pages: only those of one run are sure to fit together.
            question, pages = self._pages(search)
        received = len(question.received)
        if received != question.total:
            raise QueryRefused(f"received {received} of the {question.total} papers that arXiv promised")
        return received, pages

    def _pages(self, search: Search, begun: Sequence[Feed] = ()) -> tuple[Question, list[str]]:
        window, earlier = search.window, set(self.archive.parts("papers"))
        params = {"kind": "window", "from": window.start, "until": window.end}
        question = self.feeds.read(f"window:{window.label}", search.query, params, begun)
        self._take_in(question)
        return question, [
            *(page.response_id for page in begun),
            *pages_since(self.archive, self.archive_run.run_id, earlier),
        ]

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
