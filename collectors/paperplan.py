"""Which submission windows and months must be asked of arXiv, from what the raw archive holds already. No network."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from warehouse.parse.papers import WINDOW_DONE, parse
from warehouse.parse.tables import Rejected
from warehouse.raw import Archive, Response
from warehouse.registry import Framework

CATEGORIES = ("cs.LG", "cs.CV", "cs.CL", "cs.AI", "cs.NE", "stat.ML")
FIRST_MONTH = date(2010, 1, 1)
# Papers appear in the listing up to some days after the date of their submission.
SETTLED_AFTER = timedelta(days=7)


@dataclass(frozen=True)
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
        return Window(self.start, middle), Window(middle + timedelta(days=1), self.end)

    def settled(self, asked_at: datetime) -> bool:
        """Whether nothing more can come into the window after `asked_at`."""
        return asked_at >= datetime.combine(self.end, time.min) + SETTLED_AFTER


def window_query(frameworks: Iterable[Framework], window: Window) -> str:
    """Return the query for papers of the categories that name any of the frameworks in title or abstract."""
    phrases = dict.fromkeys(phrase for framework in frameworks for phrase in framework.arxiv_query)
    names = " OR ".join(f'ti:"{phrase}" OR abs:"{phrase}"' for phrase in phrases)
    return f"({names}) AND {count_query(window)}"


def count_query(window: Window) -> str:
    """Return the query for all papers of the categories."""
    return f"({' OR '.join(f'cat:{category}' for category in CATEGORIES)}) AND {window.clause}"


@dataclass
class Asked:
    """What earlier runs asked: papers seen, months counted for good, and finished windows with their query."""

    papers: set[str] = field(default_factory=set)
    months: set[date] = field(default_factory=set)
    windows: set[tuple[Window, str]] = field(default_factory=set)

    def take(self, response: Response) -> None:
        """Take in one archived answer or note; a rejected one tells nothing."""
        try:
            rows = list(parse(response))
        except Rejected:
            return
        for table, row in rows:
            if table == "papers":
                self.papers.add(row["arxiv_id"])
            elif table == "paper_counts" and month_window(row["month"]).settled(response.fetched_at):
                self.months.add(row["month"])
            elif table == "paper_windows":
                window = Window(row["window_start"], row["window_end"])
                if window.settled(response.fetched_at):
                    self.windows.add((window, response.json().get("query", "")))


def read_asked(archive: Archive) -> Asked:
    """Read the archived answers of the source."""
    asked = Asked()
    for response in archive.responses("papers"):
        asked.take(response)
    return asked


def years(frameworks: Iterable[Framework], now: datetime, since: date | None, until: date | None) -> Iterator[Window]:
    """Yield calendar years, newest first, from the earliest first release to `now`, cut to `since` and `until`."""
    first = max(min(framework.first_released_on for framework in frameworks).replace(month=1, day=1), since or date.min)
    last = min(now.date(), until or date.max)
    for year in range(last.year, first.year - 1, -1):
        yield Window(max(date(year, 1, 1), first), min(date(year, 12, 31), last))


def month_window(month: date) -> Window:
    """Return the whole month of its first day."""
    return Window(month, month.replace(day=calendar.monthrange(month.year, month.month)[1]))


def months(now: datetime, since: date | None, until: date | None) -> Iterator[date]:
    """Yield the first days of complete months, newest first, from 2010 on, within `since` and `until`."""
    end = now.date() if until is None or until >= now.date() else until + timedelta(days=1)
    month = max(FIRST_MONTH, end.replace(day=1))
    first = max(FIRST_MONTH, since or FIRST_MONTH)
    while (month := (month - timedelta(days=1)).replace(day=1)) >= first:
        yield month


def done_subject(window: Window) -> str:
    """Return the subject of the note that a window was asked to its end."""
    return WINDOW_DONE + window.label
