"""Downloads of packages: pypistats.org's days, ClickHouse's days, conda's months. Pure: bytes in, typed rows out.

Downloads measure machines, not people: continuous integration dominates, keras comes along as a dependency of
tensorflow, builds for CUDA often bypass the index. Providers, and counts with and without mirrors, are never added up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

from warehouse.parse import fields
from warehouse.parse.tables import Rejected, Row
from warehouse.raw import RUN_END, RUN_START, Response

_ALIKE = (
    "Automated installs (continuous integration) dominate; keras is installed as a dependency of tensorflow; "
    "builds for CUDA often come from elsewhere than the index and are not counted."
)
# What each provider's figures lean to, in words for people.
BIASES: Mapping[str, str] = MappingProxyType(
    {
        "pypistats": f"pypistats.org: downloads from the Python index by day, without mirrors. {_ALIKE}",
        "clickhouse": "ClickHouse's copy of the Python index's log: downloads by day, mirrors included; before "
        f"2018-07-26 the log recorded about a tenth of them. {_ALIKE}",
        "conda": "Anaconda's package data: downloads by month from the channels that it covers, others are not "
        "counted; whether mirrors are in it is not told. Automated installs dominate.",
    }
)
# ClickHouse's public server cuts results here without saying so.
MOST_ROWS = 1_000


def normal(package: str) -> str:
    """Return a package's name as the Python index writes it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", package).lower()


def parse(response: Response) -> Iterator[Row]:
    """Yield `package_downloads` rows; none for the start and end of a run and for a package unknown to pypistats.

    Raises:
        Rejected: the answer is not what its provider promises.
    """
    if response.subject in (RUN_START, RUN_END):
        return
    kind = response.params.get("kind")
    parser = _PARSERS.get(str(kind))
    if parser is None:
        raise Rejected(f"unknown kind {kind!r}")
    if kind == "pypistats" and response.status == 404:
        return
    if response.status not in (200, None):
        raise Rejected(f"status {response.status}")
    origin = fields.origin(response, provider=kind)
    for values in parser(response):
        yield "package_downloads", {**origin, **values}


def _pypistats(response: Response) -> Iterator[dict[str, Any]]:
    """Days before that of the asking, which is still going on."""
    content = fields.object_of(response)
    package, mirrors = response.params["package"], response.params["mirrors"]
    told = content.get("package", package)
    if not isinstance(told, str) or normal(told) != normal(package):
        raise Rejected(f"asked for {package}, the answer is about {told!r}")
    wanted = "with_mirrors" if mirrors else "without_mirrors"
    days: dict[date, int] = {}
    for entry in _list(content, "data"):
        if entry.get("category") != wanted:
            raise Rejected(f"category {entry.get('category')!r} instead of {wanted}")
        day, downloads = fields.day(entry.get("date")), fields.wide_count(entry.get("downloads"), "downloads")
        if days.setdefault(day, downloads) != downloads:
            raise Rejected(f"{day} stands there twice, with different downloads")
    if not days:
        raise Rejected("no days at all")
    known = {"package": package, "granularity": "day", "mirrors": mirrors}
    yield from (
        {**known, "day": day, "downloads": downloads}
        for day, downloads in sorted(days.items())
        if day < response.fetched_at.date()
    )


def _clickhouse(response: Response) -> Iterator[dict[str, Any]]:
    """One package's days of a window, all installers and mirrors; a first row without a name proves there is a result.

    A day without a row is a day without a record, not a zero.
    """
    package = response.params["package"]
    first, until = date.fromisoformat(response.params["from"]), date.fromisoformat(response.params["until"])
    entries = _lines(response)
    if len(entries) >= MOST_ROWS:
        raise Rejected(f"{len(entries)} rows: perhaps cut")
    if any(fields.wide_count(entry.get("of_rows"), "of_rows") != len(entries) for entry in entries):
        raise Rejected(f"{len(entries)} rows came of {entries[0]['of_rows']}")
    if [entry.get("project") for entry in entries].count("") != 1:
        raise Rejected("the row that proves a whole result is missing")
    days: set[date] = set()
    for entry in entries:
        day, downloads = fields.day(entry.get("day")), fields.wide_count(entry.get("downloads"), "downloads")
        if entry.get("project") == "":
            continue
        if entry.get("project") != normal(package) or not first <= day < until or day in days:
            raise Rejected(f"{entry.get('project')!r} on {day} was not asked for, or stands there twice")
        days.add(day)
        yield {"package": package, "granularity": "day", "mirrors": True, "day": day, "downloads": downloads}


def _conda(response: Response) -> Iterator[dict[str, Any]]:
    """A month of conda's packages, added up over its channels (data sources); conda does not tell of mirrors."""
    if response.status is not None:
        raise Rejected("not a file of conda's monthly downloads")
    month = fields.month(response.params["month"])
    for package, by_channel in sorted(fields.object_of(response).items()):
        if not isinstance(by_channel, Mapping) or not by_channel:
            raise Rejected(f"{package} has no channels")
        downloads = sum(fields.wide_count(value, f"{package} of {channel}") for channel, value in by_channel.items())
        yield {"package": package, "granularity": "month", "mirrors": None, "day": month, "downloads": downloads}


_PARSERS: dict[str, Callable[[Response], Iterator[dict[str, Any]]]] = {
    "pypistats": _pypistats,
    "clickhouse": _clickhouse,
    "conda": _conda,
}


def _list(content: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    value = content.get(key)
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise Rejected(f"{key} is not a list of objects")
    return value


def _lines(response: Response) -> list[dict[str, Any]]:
    """Read JSONEachRow; an exception may follow good rows, in the middle of a 200."""
    try:
        lines = response.body.decode("utf-8").removesuffix("\n").split("\n")
        entries = [json.loads(line) for line in lines]
    except (ValueError, RecursionError):
        raise Rejected("not JSON to its end (an exception, cut short, or a web page)") from None
    if not all(isinstance(entry, dict) for entry in entries):
        raise Rejected("not a list of rows")
    return entries
