"""Downloads: the newest 180 days from pypistats.org, the past by day from ClickHouse, conda's by month.

Three hosts in one run; one that fails does not stop the others. What the figures lean to: `BIASES` of the parser.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from urllib.parse import parse_qsl, quote, urlsplit

from collectors.asking import Ask, Asker, Host
from collectors.base import Context, Outcome, Plan, Refused, recording
from collectors.condafile import CONDA_RULES, NotConda, monthly
from collectors.wire import KEPT_BYTES
from collectors.worklist import Refusals, Work, Worklist
from warehouse.parse import Rejected, Row, rows_of
from warehouse.parse.downloads import normal
from warehouse.raw import Response, Run
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
# conda's newest months appear late; one that is refused is asked for again after this time.
CONDA_REFUSED_FOR = timedelta(days=7)
CONDA_LATE = timedelta(days=92)
CLICKHOUSE_SQL = (
    "select project, day, downloads, count() over () as of_rows from ("
    "select project, date as day, toUInt64(sum(count)) as downloads from pypi.pypi_downloads_per_day "
    "where project in {names:Array(String)} and date >= {from:Date} and date < {until:Date} group by project, day "
    "union all select '' as project, {from:Date} as day, toUInt64(0) as downloads) order by project, day"
)


@dataclass
class _Known:
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


def _read_known(context: Context) -> _Known:
    known = _Known()
    for response in context.archive.responses("downloads"):
        try:
            known.learn(response, rows_of(response))
        except Rejected:
            if response.params.get("kind") == "conda" and response.status in (403, 404):
                known.refused_months[response.params["month"]] = response.fetched_at
    return known


def collect(context: Context) -> Outcome:
    """Ask the three hosts for what is not known."""
    known = _read_known(context)
    works = _works(context, known)
    with recording(context, "downloads") as (run, outcome):
        _Collection(context, run, outcome, known, works).run()
    return outcome


def plan(context: Context) -> Plan:
    """Say what a run would ask; asks nothing."""
    works = _works(context, _read_known(context))
    plans = [work.plan() for work in works]
    return Plan(
        "downloads",
        calls=sum(one.calls for one in plans),
        seconds=sum(one.seconds for one in plans),
        budget=f"{YEARS_A_RUN} years, {MONTHS_A_RUN} months a run",
        left=" and ".join(one.left for one in plans if one.left),
    )


class _Collection:
    """One run over the three lists."""

    def __init__(self, context: Context, run: Run, outcome: Outcome, known: _Known, works: Sequence[Worklist]) -> None:
        self.context, self.archive, self.outcome, self.known, self.works = context, run, outcome, known, works

    def run(self) -> None:
        work = Work(self.context, self.outcome, self.works)
        with work.going_on():
            for one in self.works:
                asker = Asker(self.context, self.archive, self.outcome, one.host)
                work.ask_all(one, partial(self._answer, asker))

    def _answer(self, asker: Asker, ask: Ask) -> None:
        kind = ask.params["kind"]
        response = self._month(asker, ask) if kind == "conda" else asker.get(ask)
        if response is None:
            return
        try:
            rows = rows_of(response)
        except Rejected as reason:
            raise Refused(f"{reason} (raw answer {response.response_id})") from None
        if response.status == 404 and ask.params["package"] not in self.known.unknown:
            self.outcome.noticed.append(f"{ask.params['package']}: pypistats.org knows no such package")
        self.outcome.rows += len(rows)
        self.outcome.new += self.known.learn(response, rows)

    def _month(self, asker: Asker, ask: Ask) -> Response | None:
        """Archive what a month's file says of the packages; None when conda has no such file, as of a recent month."""
        try:
            file = asker.download(ask, self.context.settings.home / "downloads")
        except Refused as refusal:
            month = date.fromisoformat(f"{ask.params['month']}-01")
            # S3 answers 403 where there is no file.
            if refusal.status not in (403, 404) or not self._is_recent(month):
                raise
            self.outcome.noticed.append(f"{ask.label}: not published yet: {refusal}")
            return None
        facts = {**ask.params, **file.params}
        try:
            content = monthly(file, ask.params["month"], ask.params["packages"])
            body, facts["last"] = json.dumps(content, sort_keys=True).encode(), True
            return self.archive.write(ask.subject, body, url=file.address, params=facts)
        except NotConda as reason:
            with file.path.open("rb") as damaged:
                head = damaged.read(KEPT_BYTES)
            response = self.archive.write(ask.subject, head, url=file.address, params=facts, status=200)
            raise Refused(
                f"not conda's monthly file: {reason} (its head is raw answer {response.response_id})"
            ) from None
        finally:
            file.path.unlink(missing_ok=True)

    def _is_recent(self, month: date) -> bool:
        return self.context.settings.clock().date() - month < CONDA_LATE


def _works(context: Context, known: _Known) -> list[Worklist]:
    settings = context.settings
    delay = 0.0 if is_loopback(settings.pypistats_api) else PYPISTATS_SECONDS
    pypistats = Host("pypistats.org", settings.pypistats_api, delay)
    clickhouse = Host("ClickHouse", settings.clickhouse_url)
    conda = Host("conda", settings.conda_base)
    refusals = Refusals.of(context, "downloads")
    years, months = list(_years(context, known)), list(_months(context, known))
    past = [
        Worklist("downloads", clickhouse, years, "years of packages (ClickHouse)", refusals, YEARS_A_RUN),
        Worklist("downloads", conda, months, "months (conda)", refusals, MONTHS_A_RUN, seconds_each=10.0),
    ]
    # What of the past is left makes the source due each day; the newest days are due each week all the same.
    daily = context.only_due and any(len(one.now) < len(one.asks) for one in past)
    days = list(_days(context, known, INTERVALS["downloads"] if daily else timedelta(days=2)))
    return [Worklist("downloads", pypistats, days, "packages (pypistats.org)", refusals), *past]


def _days(context: Context, known: _Known, age: timedelta) -> Iterator[Ask]:
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


def _years(context: Context, known: _Known) -> Iterator[Ask]:
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
    # The address may hold a user and more in its query: they are sent, and not archived.
    address = urlsplit(context.settings.clickhouse_url)
    window = {"from": str(first), "until": str(until)}
    return Ask(
        f"{package} {first.year} (ClickHouse)",
        package,
        address._replace(query="", fragment="").geturl(),
        {"kind": "clickhouse", "package": package, **window, "sql": CLICKHOUSE_SQL},
        {
            **dict(parse_qsl(address.query)),
            "query": CLICKHOUSE_SQL,
            "default_format": "JSONEachRow",
            "param_names": _array(normal(package)),
            **{f"param_{name}": value for name, value in window.items()},
        },
    )


def _array(text: str) -> str:
    """Write a ClickHouse array of one text."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"


def _months(context: Context, known: _Known) -> Iterator[Ask]:
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
