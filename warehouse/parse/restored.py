"""Rows that `dlpulse raw restore` read out of a published database, as they were known then. Pure: bytes in, rows out.

They are judged like every other answer, for an archive may come from elsewhere: only the tables below, only their
columns, only values that the sources' own parsers let pass.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from warehouse.parse import fields
from warehouse.parse.bench import PHASES, TRIAL_KINDS
from warehouse.parse.questions import month_after
from warehouse.parse.stars import FULL_NAME, week_of
from warehouse.parse.tables import TABLES, Rejected, Row
from warehouse.raw import RUN_END, RUN_START, Response

SOURCE = "restored"


def restored_id(run_id: str) -> str:
    """Return the id of the run that is made of a run: at its time, so that it sorts among others as that did."""
    digest = hashlib.sha256(f"{SOURCE} {run_id}".encode()).hexdigest()
    return f"{run_id.partition('-')[0]}-{digest[:8]}"


STAR_DAYS = "star_days"
# The tables that may be restored, by whose data they hold as dim_sources names it: it stands in the subject, and the
# export goes by it, so no row may be another's.
TABLES_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "github": ("repo_records", STAR_DAYS),
        "pypistats": ("package_downloads",),
        "clickhouse": ("package_downloads",),
        "conda": ("package_downloads",),
        "stackexchange": ("question_counts",),
        "bench": ("bench_devices", "bench_parity", "bench_trials", "bench_epochs", "bench_bounds"),
    }
)
# Of one repository: its name ends the subject.
_OF_REPOSITORIES = ("repo_records", STAR_DAYS)
# The database tells no day's earlier forks, only its last.
_MAY_BE_EMPTY: Mapping[str, Sequence[str]] = {
    "repo_records": ("forks", "open_issues", "watchers", "pushed_at"),
    "package_downloads": ("mirrors",),
    "question_counts": ("tag",),
    "bench_devices": ("cpu", "cores", "gpu", "memory_gib", "os", "python"),
    "bench_bounds": ("batch_size",),
}
_WORDS: Mapping[tuple[str, str], Sequence[str]] = {
    ("package_downloads", "granularity"): ("day", "month"),
    ("bench_trials", "phase"): PHASES,
    ("bench_trials", "trial_kind"): TRIAL_KINDS,
    ("bench_epochs", "trial_kind"): ("learning",),
}


def columns_of(table: str) -> list[pa.Field]:
    """Return the columns of a table that its restored rows tell; those that lead to the answer are the answer's."""
    return [field for field in TABLES[table] if field.name not in ("response_id", "fetched_at")]


def is_star_history(response: Response) -> bool:
    """Whether the answer holds restored days of star history."""
    return response.source == SOURCE and response.subject.startswith(f"github:{STAR_DAYS}:")


def repo_of(response: Response) -> str:
    """Return the repository in the subject, "" where there is none."""
    return ":".join(response.subject.split(":")[2:])


def parse(response: Response) -> Iterator[Row]:
    """Yield the rows of the table that the subject names; none for the start and end of a run.

    Raises:
        Rejected: the table may not be restored, or a value is not what its column promises.
    """
    if response.subject in (RUN_START, RUN_END):
        return
    source, _, table = ":".join(response.subject.split(":")[:2]).partition(":")
    if table not in TABLES_OF.get(source, ()):
        raise Rejected(f"{response.subject!r} cannot be restored")
    told = fields.object_of(response).get("rows")
    if not isinstance(told, list) or not told:
        raise Rejected("no rows")
    rows = [_row(entry, table, response) for entry in told]
    _check_owner(rows, source, table, response)
    if check := _CHECKS.get(table):
        check(rows, response)
    yield from ((table, fields.origin(response, **row)) for row in rows)


def _row(entry: Any, table: str, response: Response) -> dict[str, Any]:
    columns = columns_of(table)
    if not isinstance(entry, dict) or entry.keys() != {column.name for column in columns}:
        raise Rejected(f"a row of {table} must have its columns: {', '.join(column.name for column in columns)}")
    may_be_empty = _MAY_BE_EMPTY.get(table, ())
    row: dict[str, Any] = {}
    for column in columns:
        name, value = column.name, entry[column.name]
        if value is None and name not in may_be_empty:
            raise Rejected(f"{table}: {name} is empty")
        row[name] = None if value is None else _value(value, column.type, f"{table}: {name}", response)
        words = _WORDS.get((table, name))
        if words and row[name] not in words:
            raise Rejected(f"{table}: {name} {value!r} is not one of {', '.join(words)}")
    return row


def _value(value: Any, kind: pa.DataType, what: str, response: Response) -> Any:
    """Return the value as its column has it."""
    if pa.types.is_timestamp(kind):
        instant = fields.instant(value, what)
        fields.past(instant.date(), response, what)
        return instant
    if pa.types.is_integer(kind) and fields.count(value, what) >= 2 ** (kind.bit_width - 1):
        raise Rejected(f"{what} {value!r} is too large")
    return next(read for is_of, read in _READERS if is_of(kind))(value, what)


def _list(value: Any, what: str) -> list[str]:
    return [_text(one, what) for one in _kind(value, list, what)]


def _map(value: Any, what: str) -> list[tuple[str, str]]:
    return sorted((_text(key, what), _text(one, what)) for key, one in _kind(value, dict, what).items())


def _kind(value: Any, kind: type, what: str) -> Any:
    if not isinstance(value, kind):
        raise Rejected(f"{what} {value!r} is not a {'list' if kind is list else 'table'}")
    return value


def _text(value: Any, what: str) -> str:
    try:
        if not isinstance(value, str):
            raise ValueError
        value.encode()  # half of a character is none
    except ValueError:
        raise Rejected(f"{what} {value!r} is not a text") from None
    return value


def _number(value: Any, what: str) -> float:
    try:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= float(value) < math.inf:
            raise ValueError
        return float(value)
    except (ValueError, OverflowError):
        raise Rejected(f"{what} is {value!r}; expected a finite number, 0 or more") from None


_READERS: Sequence[tuple[Callable[[pa.DataType], bool], Callable[[Any, str], Any]]] = (
    (pa.types.is_integer, fields.count),
    (pa.types.is_boolean, fields.flag),
    (pa.types.is_floating, _number),
    (pa.types.is_date, lambda value, _: fields.day(value)),
    (pa.types.is_list, _list),
    (pa.types.is_map, _map),
    (pa.types.is_string, _text),
)


def _check_owner(rows: Sequence[Mapping[str, Any]], source: str, table: str, response: Response) -> None:
    """Reject rows of another repository or provider than the subject names: their licence would be another."""
    repo_id = repo_of(response)
    owner = repo_id if table in _OF_REPOSITORIES else source
    column = "repo_id" if table in _OF_REPOSITORIES else "provider"
    if bool(repo_id) != (table in _OF_REPOSITORIES) or any(row.get(column, owner) != owner for row in rows):
        raise Rejected(f"the rows are not of {response.subject}")


def _check_records(rows: Sequence[Mapping[str, Any]], response: Response) -> None:
    for row in rows:
        if not FULL_NAME.fullmatch(row["full_name"]):
            raise Rejected(f"full_name {row['full_name']!r} is not owner/name")
        fields.past(row["created_on"], response, "created_on")


def _check_weeks(rows: Sequence[Mapping[str, Any]], response: Response) -> None:
    """Reject what are not whole weeks, each once, Sunday first: the days to come stand there as 0, as GitHub has it."""
    weeks: dict[date, list[date]] = {}
    for row in rows:
        weeks.setdefault(row["week"], []).append(row["day"])
    for week, days in weeks.items():
        fields.past(week, response, "week")
        if week != week_of(week) or days != [week + timedelta(number) for number in range(7)]:
            raise Rejected(f"week {week} does not have its 7 days, Sunday first")


def _check_downloads(rows: Sequence[Mapping[str, Any]], response: Response) -> None:
    for row in rows:
        fields.past(row["day"], response, "day")


def _check_questions(rows: Sequence[Mapping[str, Any]], response: Response) -> None:
    for row in rows:
        if row["month"].day != 1 or response.fetched_at.date() < month_after(row["month"]):
            raise Rejected(f"{row['month']} is no month that was over")


def _check_epochs(rows: Sequence[Mapping[str, Any]], _: Response) -> None:
    for row in rows:
        if row["accuracy"] > 1:
            raise Rejected(f"epoch {row['epoch']}: accuracy is {row['accuracy']}; expected a share, 0 to 1")


_CHECKS: Mapping[str, Callable[[Sequence[Mapping[str, Any]], Response], None]] = {
    "repo_records": _check_records,
    STAR_DAYS: _check_weeks,
    "package_downloads": _check_downloads,
    "question_counts": _check_questions,
    "bench_epochs": _check_epochs,
}
