"""Which submission windows and months must be asked of arXiv, from what the raw archive holds already. No network."""

from __future__ import annotations

import calendar
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from warehouse.parse import Rejected, rows_of
from warehouse.parse.papers import WINDOW_DONE, Feed, feed
from warehouse.raw import Archive, Response
from warehouse.registry import Framework

CATEGORIES = ("cs.LG", "cs.CV", "cs.CL", "cs.AI", "cs.NE", "stat.ML")
FIRST_MONTH = date(2010, 1, 1)
# Papers appear in the listing up to some days after the date of their submission.
SETTLED_AFTER = timedelta(days=7)
_DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Window:
    """Submission days from `start` to `end`, both included."""

    start: date
    end: date

    @property
    def label(self) -> str:
        """The year, or the two days when it is not a whole year."""
        whole = (self.start.month, self.start.day, self.end.month, self.end.day) == (1, 1, 12, 31)
        return str(self.start.year) if whole and self.start.year == self.end.year else f"{self.start}..{self.end}"

    @property
    def clause(self) -> str:
        """The window in arXiv's query language; minutes in GMT."""
        return f"submittedDate:[{self.start:%Y%m%d}0000 TO {self.end:%Y%m%d}2359]"

    def halves(self) -> tuple[Window, Window] | None:
        """Split in two; None for a single day."""
        if self.start == self.end:
            return None
        middle = self.start + (self.end - self.start) // 2
        return Window(self.start, middle), Window(middle + _DAY, self.end)

    def meets(self, other: Window) -> bool:
        """Whether the two have a day in common."""
        return self.start <= other.end and other.start <= self.end

    def years(self) -> Iterator[Window]:
        """Yield its parts, one of each calendar year."""
        for year in range(self.start.year, self.end.year + 1):
            yield Window(max(self.start, date(year, 1, 1)), min(self.end, date(year, 12, 31)))

    def settled(self, asked_at: datetime) -> bool:
        """Whether nothing more can come into the window after `asked_at`."""
        return asked_at >= datetime.combine(self.end, time.min) + SETTLED_AFTER


@dataclass(frozen=True)
class Search:
    """One question: the papers of a window that name any of the frameworks."""

    window: Window
    frameworks: tuple[Framework, ...]

    @property
    def query(self) -> str:
        """The question in arXiv's query language."""
        return window_query(self.frameworks, self.window)

    def halves(self) -> tuple[Search, Search] | None:
        """Split the window in two; None for a single day."""
        halves = self.window.halves()
        return halves and (Search(halves[0], self.frameworks), Search(halves[1], self.frameworks))


def window_query(frameworks: Iterable[Framework], window: Window) -> str:
    """Return the query for papers of the categories that name any of the frameworks in title or abstract."""
    names = " OR ".join(f'ti:"{phrase}" OR abs:"{phrase}"' for phrase in phrases(frameworks))
    return f"({names}) AND {count_query(window)}"


def phrases(frameworks: Iterable[Framework]) -> list[str]:
    """Return what is asked for, each phrase once."""
    return list(dict.fromkeys(phrase for framework in frameworks for phrase in framework.arxiv_query))


def count_query(window: Window) -> str:
    """Return the query for all papers of the categories."""
    return f"({' OR '.join(f'cat:{category}' for category in CATEGORIES)}) AND {window.clause}"


@dataclass
class Asked:
    """What was asked before: papers seen, months counted for good, finished windows, and pages of unfinished ones.

    `windows` are the days that were settled when asked, with their query. `pages` holds by query and offset what came
    today: a window counts as asked on the day of its note, so that all of its pages must be of that day.
    """

    today: date
    papers: set[str] = field(default_factory=set)
    months: set[date] = field(default_factory=set)
    windows: list[tuple[Window, str]] = field(default_factory=list)
    pages: dict[str, dict[int, Feed]] = field(default_factory=dict)

    def take(self, response: Response) -> None:
        """Take in one archived answer or note; a rejected one tells nothing."""
        try:
            rows = rows_of(response)
        except Rejected:
            return
        if response.params.get("kind") == "window" and response.fetched_at.date() == self.today:
            page = feed(response)
            self.pages.setdefault(response.params.get("query", ""), {})[page.start] = page
        for table, row in rows:
            if table == "papers":
                self.papers.add(row["arxiv_id"])
            elif table == "paper_counts" and month_window(row["month"]).settled(response.fetched_at):
                self.months.add(row["month"])
            elif table == "paper_windows":
                self._finish(row)

    def _finish(self, row: dict[str, Any]) -> None:
        self.pages.pop(row["query"], None)
        settled = min(row["window_end"], row["fetched_at"].date() - SETTLED_AFTER)
        if row["received"] >= row["total"] and row["window_start"] <= settled:
            self.windows.append((Window(row["window_start"], settled), row["query"]))

    def covered(self, framework: Framework) -> list[Window]:
        """Return the windows that were asked to their end for all of the framework's phrases, oldest first."""
        quoted = [f'"{phrase}"' for phrase in framework.arxiv_query]
        return sorted(window for window, query in self.windows if all(phrase in query for phrase in quoted))

    def begun(self, query: str) -> list[Feed]:
        """Return the pages that came of a query without a gap from the first on; they are told once."""
        pages, offset = self.pages.pop(query, {}), 0
        found = []
        while (page := pages.get(offset)) and page.papers:
            found.append(page)
            offset += len(page.papers)
        return found


def read_asked(archive: Archive, today: date) -> Asked:
    """Read the archived answers of the source."""
    asked = Asked(today)
    for response in archive.responses("papers"):
        asked.take(response)
    return asked


def pages_since(archive: Archive, run_id: str, earlier: Collection[Path]) -> list[str]:
    """Return the ids of the usable pages of papers that a run got since its `earlier` parts, oldest first.

    The run is going on: each of its answers is a part. Others' parts may be compacted meanwhile, and look new.
    """
    found = []
    for part in archive.parts("papers"):
        mine = part.stem.startswith(f"{run_id}-") and part not in earlier
        for response in archive.read(part) if mine else ():
            if response.params.get("kind") == "window":
                with suppress(Rejected):
                    found.append(feed(response).response_id)
    return found


def searches(frameworks: Sequence[Framework], asked: Asked, since: date | None, until: date | None) -> list[Search]:
    """Return what is to be asked, newest first: the days not covered yet, at most a calendar year at once.

    A framework is asked for from the year of its first release on. Where others are asked for earlier days, it is
    asked for with them, which costs nothing: "names any framework" is known only where all were asked for.
    """
    last = min(asked.today, until or date.max)
    covered = {framework.id: asked.covered(framework) for framework in frameworks}
    wanted: dict[Window, list[Framework]] = {}
    for framework in frameworks:
        first = max(_first_day(framework), since or date.min)
        for gap in _uncovered(first, last, covered[framework.id]):
            for window in gap.years():
                wanted.setdefault(window, []).append(framework)

    def joins(framework: Framework, window: Window) -> bool:
        early = window.end < _first_day(framework)
        return framework in wanted[window] or (early and not any(map(window.meets, covered[framework.id])))

    newest_first = sorted(wanted, key=lambda window: (window.end, window.start), reverse=True)
    return [Search(window, tuple(one for one in frameworks if joins(one, window))) for window in newest_first]


def _first_day(framework: Framework) -> date:
    return framework.first_released_on.replace(month=1, day=1)


def _uncovered(first: date, last: date, covered: Iterable[Window]) -> Iterator[Window]:
    """Yield what `covered`, which begin one after the other, leave out of the days from `first` to `last`."""
    for window in covered:
        if first > last:
            return
        if window.start > first:
            yield Window(first, min(window.start - _DAY, last))
        first = max(first, window.end + _DAY)
    if first <= last:
        yield Window(first, last)


def month_window(month: date) -> Window:
    """Return the whole month of its first day."""
    return Window(month, month.replace(day=calendar.monthrange(month.year, month.month)[1]))


def months(today: date, since: date | None, until: date | None) -> Iterator[date]:
    """Yield the first days of complete months, newest first, from 2010 on, within `since` and `until`."""
    end = today if until is None or until >= today else until + _DAY
    month = max(FIRST_MONTH, end.replace(day=1))
    first = max(FIRST_MONTH, since or FIRST_MONTH)
    while (month := (month - _DAY).replace(day=1)) >= first:
        yield month


def done_subject(window: Window) -> str:
    """Return the subject of the note that a window was asked to its end."""
    return WINDOW_DONE + window.label
