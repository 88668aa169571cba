"""Which downloads must be asked of the three hosts, from what the raw archive holds already. No network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from urllib.parse import quote

from collectors import clickhouse
from collectors.asking import Ask, Host
from collectors.base import Context
from collectors.condafile import CONDA_RULES
from collectors.refusals import Refusals
from collectors.wording import Noun
from collectors.worklist import Worklist
from warehouse.parse import Rejected, Row, rows_of
from warehouse.parse.downloads import normal
from warehouse.raw import Response
from warehouse.schedule import INTERVALS
from warehouse.settings import is_loopback

PYPISTATS_DAYS = 180
# pypistats.org allows 30 requests a minute.
PYPISTATS_SECONDS = 2.0
UNKNOWN_FOR = timedelta(days=30)
# No framework is asked for in years before this one, nor before its own first release.
FIRST_YEAR = 2016
# The year that goes on is asked again when so much more of it is to be had.
YEAR_GROWS_BY = timedelta(days=30)
FIRST_MONTH = date(2017, 4, 1)
# Public servers with unpublished quotas, and files of many MB: a part of the past in each run.
YEARS_A_RUN, MONTHS_A_RUN = 60, 12
# One of conda's newest months that is refused is asked for again after this time.
CONDA_REFUSED_FOR = timedelta(days=7)
_PACKAGES: Noun = ("package (pypistats.org)", "packages (pypistats.org)")
_YEARS: Noun = ("year of a package (ClickHouse)", "years of packages (ClickHouse)")
_MONTHS: Noun = ("month (conda)", "months (conda)")
CLICKHOUSE_SQL = (
    "select project, day, downloads, count() over () as of_rows from ("
    "select project, date as day, toUInt64(sum(count)) as downloads from pypi.pypi_downloads_per_day "
    "where project in {names:Array(String)} and date >= {from:Date} and date < {until:Date} group by project, day "
    "union all select '' as project, {from:Date} as day, toUInt64(0) as downloads) order by project, day"
)


@dataclass
class Known:
    """What earlier answers gave: counts by provider, package and day, and what need not be asked again."""

    counts: dict[tuple[str, str, date], int] = field(default_factory=dict)
    newest: dict[str, date] = field(default_factory=dict)
    unknown: dict[str, datetime] = field(default_factory=dict)
    asked_until: dict[tuple[str, int], date] = field(default_factory=dict)
    months: dict[str, set[str]] = field(default_factory=dict)
    refused_months: dict[str, datetime] = field(default_factory=dict)

    def learn(self, response: Response, rows: Iterable[Row]) -> int:
        """Take in an accepted answer; returns how many of its counts were not known, or others, before."""
        params, new = response.params, 0
        for _, row in rows:
            key = row["provider"], row["package"], row["day"]
            new += self.counts.get(key) != row["downloads"]
            self.counts[key] = row["downloads"]
            if row["provider"] == "pypistats":
                self.newest[row["package"]] = max(self.newest.get(row["package"], date.min), row["day"])
        match params.get("kind"):
            case "pypistats" if response.status == 404:
                self.unknown[params["package"]] = response.fetched_at
            case "clickhouse":
                year = params["package"], date.fromisoformat(params["from"]).year
                self.asked_until[year] = max(self.asked_until.get(year, date.min), date.fromisoformat(params["until"]))
            case "conda" if params.get("rules") == CONDA_RULES:
                self.months.setdefault(params["month"], set()).update(params["packages"])
        return new


def read_known(context: Context) -> Known:
    """Read the archived answers of the source; rejected ones tell at most that conda has no such month."""
    known = Known()
    for response in context.archive.responses("downloads"):
        try:
            known.learn(response, rows_of(response))
        except Rejected:
            if response.params.get("kind") == "conda" and response.status in (403, 404):
                known.refused_months[response.params["month"]] = response.fetched_at
    return known


def works_of(context: Context, known: Known) -> list[Worklist]:
    """Return what is to be asked of pypistats.org, of ClickHouse and of conda."""
    settings = context.settings
    delay = 0.0 if is_loopback(settings.pypistats_api) else PYPISTATS_SECONDS
    pypistats = Host("pypistats.org", settings.pypistats_api, delay)
    conda = Host("conda", settings.conda_base)
    refusals = Refusals.of(context, "downloads")
    years, months = list(_years(context, known)), list(_months(context, known))
    past = [
        Worklist("downloads", clickhouse.host(settings), years, _YEARS, refusals, YEARS_A_RUN),
        Worklist("downloads", conda, months, _MONTHS, refusals, MONTHS_A_RUN, seconds_each=10.0),
    ]
    # What of the past is left makes the source due each day; the newest days are due each week all the same.
    daily = context.only_due and any(len(one.now) < len(one.asks) for one in past)
    days = list(_days(context, known, INTERVALS["downloads"] if daily else timedelta(days=2)))
    return [Worklist("downloads", pypistats, days, _PACKAGES, refusals), *past]


def _days(context: Context, known: Known, age: timedelta) -> Iterator[Ask]:
    """Yield a question for every package whose newest day is `age` old; unknown packages rest for a month."""
    now = context.settings.clock()
    yesterday = now.date() - timedelta(days=1)
    if not context.covers(yesterday - timedelta(days=PYPISTATS_DAYS - 1), yesterday):
        return
    for package in _packages(context, "pypi"):
        rests = package in known.unknown and now - known.unknown[package] < UNKNOWN_FOR
        if not rests and now.date() - known.newest.get(package, date.min) >= age:
            yield Ask(
                f"{package} (pypistats.org)",
                package,
                f"{context.settings.pypistats_api.rstrip('/')}/packages/{quote(normal(package), safe='')}/overall",
                {"kind": "pypistats", "package": package, "mirrors": False},
                {"mirrors": "false"},
                expected=(200, 404),
            )


def _years(context: Context, known: Known) -> Iterator[Ask]:
    """Yield a question for every year of every package up to where pypistats begins, newest first."""
    end = context.settings.clock().date() - timedelta(days=PYPISTATS_DAYS)
    packages = _packages(context, "pypi")
    for year in range(end.year, FIRST_YEAR - 1, -1):
        first, until = date(year, 1, 1), min(end, date(year + 1, 1, 1))
        if first >= until or not context.covers(first, until - timedelta(days=1)):
            continue
        for package, released_on in packages.items():
            asked_until = known.asked_until.get((package, year), date.min)
            ended = until < end
            stale = asked_until < until if ended else until - asked_until > YEAR_GROWS_BY
            if year >= released_on.year and stale:
                yield _year(context, package, first, until)


def _year(context: Context, package: str, first: date, until: date) -> Ask:
    window = {"from": str(first), "until": str(until)}
    return Ask(
        f"{package} {first.year} (ClickHouse)",
        package,
        clickhouse.address(context.settings),
        {"kind": "clickhouse", "package": package, **window, "sql": CLICKHOUSE_SQL},
        clickhouse.query(context.settings, CLICKHOUSE_SQL, names=clickhouse.array([normal(package)]), **window),
    )


def _months(context: Context, known: Known) -> Iterator[Ask]:
    """Yield a question for every whole month of which a package is not known, newest first."""
    now = context.settings.clock()
    packages = _packages(context, "conda")
    after = now.date().replace(day=1)
    while (month := (after - timedelta(days=1)).replace(day=1)) >= FIRST_MONTH:
        last, after, name = after - timedelta(days=1), month, f"{month:%Y-%m}"
        there = {package for package, released_on in packages.items() if released_on <= last}
        wanted = sorted(there - known.months.get(name, set()))
        rests = name in known.refused_months and now - known.refused_months[name] < CONDA_REFUSED_FOR
        if wanted and not rests and context.covers(month, last):
            yield Ask(
                f"{name} (conda)",
                f"month:{name}",
                f"{context.settings.conda_base.rstrip('/')}/monthly/{month:%Y}/{name}.parquet",
                {"kind": "conda", "month": name, "packages": wanted, "rules": CONDA_RULES},
            )


def _packages(context: Context, index: str) -> dict[str, date]:
    """Return the packages of the chosen frameworks in an index, with the first release of the oldest that names it."""
    packages: dict[str, date] = {}
    for framework in context.frameworks:
        for package in getattr(framework, index):
            packages[package] = min(packages.get(package, date.max), framework.first_released_on)
    return packages
