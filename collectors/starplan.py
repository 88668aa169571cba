"""Which pages of a repository's star history must be asked, from what the raw archive holds already. No network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from collectors.wording import Noun, amount
from warehouse.parse import Rejected, Row, rows_of
from warehouse.parse.stars import WEEK, pacific_date, week_of
from warehouse.raw import Archive, Response
from warehouse.schedule import INTERVALS, SLACK, unfinished_since

WEEKS_A_PAGE = 30
_WEEKS: Noun = ("week", "weeks")
LAST_PAGE = 100
# GitHub takes un-starred stars out of old weeks, so every week is asked again after this time.
REREAD_AFTER = timedelta(days=28)
# By then every page was read again, so that older ones tell nothing more and are not parsed.
FORGOTTEN_AFTER = 2 * REREAD_AFTER
# The key of a record's `params` that holds the id known when it was asked for (null: none), however long ago it came.
GITHUB_ID = "github_id"
# The history's sum and the record's count may differ by this many stars, or this share, whichever is more.
TOLERATED_STARS, TOLERATED_SHARE = 2, 0.001


@dataclass(frozen=True)
class Answered:
    """The newest whole answer to a question asked at every refresh, and when it was given or confirmed by a 304."""

    response_id: str
    etag: str | None
    rows: list[Row]
    at: datetime


@dataclass
class Known:
    """What earlier answers said of one repository.

    `github_id` is the first that was known; `id_sought` is False while answers older than FORGOTTEN_AFTER may tell it.
    `days` holds the stars of each day that has come, `read_at` when each whole week was last read.
    """

    github_id: int | None = None
    id_sought: bool = False
    full_name: str = ""
    created_on: date = date.max
    stars: int = 0
    record: Answered | None = None
    first_page: Answered | None = None
    days: dict[date, int] = field(default_factory=dict)
    read_at: dict[date, datetime] = field(default_factory=dict)

    def take(self, response: Response, rows: list[Row]) -> int:
        """Take in an answer: `rows` of a 200, or a 304 without any; returns how many facts were not known before."""
        if response.status == 304:
            return self._confirm(response)
        answered = Answered(response.response_id, response.etag, rows, response.fetched_at)
        if response.params.get("kind") == "repo":
            self.record = answered
        elif response.params.get("page") == 1:
            self.first_page = answered
        return self._learn(rows, response.fetched_at)

    def other_id(self, rows: Iterable[Row]) -> int | None:
        """Return the id of a record that is of another repository, as after a deletion someone may take the name."""
        ids: list[int] = [row["github_id"] for table, row in rows if table == "repo_records"]
        return next((one for one in ids if self.github_id not in (None, one)), None)

    def page_one(self, now: datetime) -> Answered | None:
        """Return the newest page 1 when a 304 could confirm it: with a new week it must be another."""
        page = self.first_page
        return page if page and week_of(pacific_date(now)) in weeks_of(page.rows) else None

    def _confirm(self, response: Response) -> int:
        for name in ("record", "first_page"):
            answered = getattr(self, name)
            if answered and answered.response_id == response.revalidates:
                setattr(self, name, replace(answered, at=response.fetched_at))
                return self._learn(answered.rows, response.fetched_at) if name == "first_page" else 0
        return 0

    def _learn(self, rows: Iterable[Row], at: datetime) -> int:
        new, today = 0, pacific_date(at)
        for table, row in rows:
            if table == "repo_records":
                self.github_id, self.full_name = self.github_id or row["github_id"], row["full_name"]
                self.created_on, self.stars = row["created_on"], row["stars"]
                new += 1
            elif row["day"] <= today:
                new += row["day"] not in self.days
                self.days[row["day"]] = row["stars_added"]
                if today >= row["week"] + WEEK:
                    self.read_at[row["week"]] = at
        return new

    def disagreement(self) -> str:
        """Say how far the days are from the record's count; "" while the life is not whole, or when they agree."""
        if not self.days or week_of(min(self.days)) > week_of(self.created_on):
            return ""
        if (max(self.days) - min(self.days)).days + 1 != len(self.days):
            return ""
        summed = sum(self.days.values())
        apart = abs(summed - self.stars)
        if apart <= max(TOLERATED_STARS, TOLERATED_SHARE * self.stars):
            return ""
        share = f" ({apart / self.stars:.1%} apart)".replace("%", " %") if self.stars else ""
        return f"the star history adds up to {summed:,}, its record says {self.stars:,}{share}"


def weeks_of(rows: Iterable[Row]) -> set[date]:
    """Return the weeks that a page of star history told."""
    return {row["week"] for _, row in rows}


def read_known(archive: Archive, now: datetime) -> dict[str, Known]:
    """Read the archived answers of the source, by registry name of the repository; rejected ones tell nothing.

    Older ones than FORGOTTEN_AFTER are not read: every week has been told again since. So the start of a run takes
    no longer as the archive grows.
    """
    known: dict[str, Known] = {}
    for response in archive.responses("stars", since=now - FORGOTTEN_AFTER):
        if response.status is None:
            continue
        one = known.setdefault(response.subject, Known())
        if GITHUB_ID in response.params:
            one.id_sought, one.github_id = True, one.github_id or response.params[GITHUB_ID]
        try:
            rows = rows_of(response)
        except Rejected:
            continue
        if (rows or response.status == 304) and not one.other_id(rows):
            one.take(response, rows)
    return known


def seek_ids(archive: Archive, known: Mapping[str, Known]) -> None:
    """Fill in the ids of repositories of which only answers older than FORGOTTEN_AFTER can tell one.

    Parts are opened, newest first, until all are found. Each question says what came of it, so that a repository of
    which nothing is known is sought only once.
    """
    unknown = {name: one for name, one in known.items() if one.github_id is None and not one.id_sought}
    while unknown:
        with suppress(FileNotFoundError):  # compacted meanwhile: list the parts again
            for part in reversed(archive.parts("stars")):
                for response in archive.read(part) if unknown else ():
                    if response.subject in unknown and (github_id := _told_id(response)):
                        unknown.pop(response.subject).github_id = github_id
            return


def _told_id(response: Response) -> int | None:
    if response.params.get("kind") != "repo":
        return None
    if github_id := response.params.get(GITHUB_ID):
        return int(github_id)
    try:
        return next((int(row["github_id"]) for _, row in rows_of(response)), None)
    except Rejected:
        return None


def settled_from(archive: Archive, now: datetime, *, only_due: bool) -> datetime | None:
    """Return since when a record or page 1 counts as asked, so that it is not asked again; None: ask them all.

    Runs that were cut off are only finished. For `collect --due` those of this day count too: cron's hourly runs
    without a token shall spend their 60 calls on the backfill.
    """
    marks = [unfinished_since(archive, "stars", now), now - INTERVALS["stars"] + SLACK if only_due else None]
    return min((mark for mark in marks if mark), default=None)


def is_settled(answered: Answered | None, settled: datetime | None) -> bool:
    """Whether the question was answered since the instant `settled`."""
    return bool(answered and settled and answered.at >= settled)


@dataclass
class PagePlan:
    """The pages of one repository still to be asked (1 = newest), and the weeks that came.

    `covers` says whether the days from one to another are wanted at all (--since and --until).
    """

    full_name: str
    pages: list[int]
    last_page: int
    weeks: set[date]
    created_on: date
    covers: Callable[[date, date], bool]

    @classmethod
    def make(
        cls,
        known: Known,
        now: datetime,
        *,
        settled: datetime | None = None,
        covers: Callable[[date, date], bool] = lambda _first, _last: True,
    ) -> PagePlan:
        """Plan every page with a wanted week that was not read whole in the last 28 days; page 1 unless settled."""
        this_week = week_of(pacific_date(now))
        fresh = {week for week, read_at in known.read_at.items() if read_at > now - REREAD_AFTER}
        if known.first_page and is_settled(known.first_page, settled):
            running = week_of(pacific_date(known.first_page.at))
            fresh |= {running + n * WEEK for n in range((this_week - running) // WEEK + 1)}
        count = max(1, (this_week - week_of(known.created_on)) // WEEK + 1)
        weeks = (this_week - n * WEEK for n in range(count))
        wanted = {n // WEEKS_A_PAGE + 1 for n, week in enumerate(weeks) if week not in fresh and _is_in(week, covers)}
        last_page = min(LAST_PAGE, (count - 1) // WEEKS_A_PAGE + 1)
        pages = sorted(page for page in wanted if page <= last_page)
        return cls(known.full_name, pages, last_page, fresh, known.created_on, covers)

    def received(self, page: int, weeks: Iterable[date], *, has_next: bool) -> None:
        """Note a page's weeks. Link decides what exists: no next page ends the plan, one beyond the last extends it."""
        self.weeks.update(weeks)
        self.pages.remove(page)
        if not has_next:
            self.pages = [planned for planned in self.pages if planned < page]
        elif page == self.last_page < LAST_PAGE:
            self.last_page += 1
            if _is_in(min(self.weeks) - WEEK, self.covers):
                self.pages.append(self.last_page)

    def confirmed(self, page: int, weeks: Iterable[date]) -> None:
        """Note that a page's known weeks still stand; a 304 carries no Link."""
        self.weeks.update(weeks)
        self.pages.remove(page)

    def gaps(self) -> list[str]:
        """Return one line for each way in which a finished series is not whole."""
        weeks = {week for week in self.weeks if _is_in(week, self.covers)}
        if self.pages or not weeks:
            return []
        first, last = min(weeks), max(weeks)
        lines = []
        if missing := (last - first) // WEEK + 1 - len(weeks):
            lines.append(f"its star history lacks {amount(missing, _WEEKS)} between {first} and {last}")
        reaches_back = first <= week_of(self.created_on) or not _is_in(first - WEEK, self.covers)
        if not reaches_back and self.last_page < LAST_PAGE:
            lines.append(f"its star history ends at {first}, although it was created on {self.created_on}")
        return lines


def _is_in(week: date, covers: Callable[[date, date], bool]) -> bool:
    return covers(week, week + WEEK - timedelta(days=1))


def pages_left(plans: Mapping[str, PagePlan]) -> int:
    """Return how many planned pages were not asked."""
    return sum(len(plan.pages) for plan in plans.values())
