"""Which pages of a repository's star history must be asked, from what the raw archive holds already. No network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from warehouse.parse.stars import WEEK, pacific_date, parse, week_of
from warehouse.parse.tables import Rejected, Row
from warehouse.raw import Archive, Response

WEEKS_A_PAGE = 30
LAST_PAGE = 100
# GitHub takes un-starred stars out of old weeks, so every week is asked again after this time.
REREAD_AFTER = timedelta(days=28)


@dataclass
class Known:
    """What earlier answers said of one repository: its record, its days, and when each whole week was last read."""

    record_id: str | None = None
    github_id: int | None = None
    etag: str | None = None
    full_name: str = ""
    created_on: date = date.max
    days: set[date] = field(default_factory=set)
    read_at: dict[date, datetime] = field(default_factory=dict)

    def learn(self, response: Response, rows: Iterable[Row]) -> int:
        """Take in an answer's rows; returns how many facts were not known before."""
        new = 0
        for table, row in rows:
            if table == "repo_records":
                self.record_id, self.etag = response.response_id, response.etag
                self.github_id = row["github_id"]
                self.full_name, self.created_on = row["full_name"], row["created_on"]
                new += 1
            else:
                new += row["day"] not in self.days
                self.days.add(row["day"])
                if pacific_date(response.fetched_at) >= row["week"] + WEEK:
                    self.read_at[row["week"]] = response.fetched_at
        return new


def read_known(archive: Archive) -> dict[str, Known]:
    """Read the archived answers of the source, by registry name of the repository; rejected ones tell nothing."""
    known: dict[str, Known] = {}
    for response in archive.responses("stars"):
        try:
            rows = list(parse(response))
        except Rejected:
            continue
        if rows:
            known.setdefault(response.subject, Known()).learn(response, rows)
    return known


@dataclass
class Plan:
    """The pages of one repository still to be asked (1 = newest), and the weeks that came."""

    full_name: str
    pages: list[int]
    last_page: int
    weeks: set[date]
    created_on: date

    @classmethod
    def make(cls, known: Known, now: datetime) -> Plan:
        """Plan every page with a week that was not read whole in the last 28 days; page 1 always."""
        this_week = week_of(pacific_date(now))
        fresh = {week for week, read_at in known.read_at.items() if read_at > now - REREAD_AFTER}
        count = max(1, (this_week - week_of(known.created_on)) // WEEK + 1)
        wanted = {n // WEEKS_A_PAGE + 1 for n in range(count) if this_week - n * WEEK not in fresh}
        last_page = min(LAST_PAGE, (count - 1) // WEEKS_A_PAGE + 1)
        return cls(
            known.full_name, sorted(page for page in wanted if page <= last_page), last_page, fresh, known.created_on
        )

    def received(self, page: int, weeks: Iterable[date], *, has_next: bool) -> None:
        """Note a page's weeks. Link decides what exists: no next page ends the plan, one beyond the last extends it."""
        self.pages.remove(page)
        self.weeks.update(weeks)
        if not has_next:
            self.pages = [planned for planned in self.pages if planned < page]
        elif page == self.last_page < LAST_PAGE:
            self.last_page += 1
            self.pages.append(self.last_page)

    def gaps(self) -> list[str]:
        """Return one line for each way in which a finished series is not whole."""
        if self.pages or not self.weeks:
            return []
        first, last = min(self.weeks), max(self.weeks)
        lines = []
        if missing := (last - first) // WEEK + 1 - len(self.weeks):
            lines.append(f"its star history lacks {missing} weeks between {first} and {last}")
        if first > week_of(self.created_on) and self.last_page < LAST_PAGE:
            lines.append(f"its star history ends at {first}, although it was created on {self.created_on}")
        return lines


def pages_left(plans: Mapping[str, Plan]) -> int:
    """Return how many planned pages were not asked."""
    return sum(len(plan.pages) for plan in plans.values())
