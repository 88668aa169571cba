"""`dlpulse raw restore`: the way back when the raw archive is lost and a published database is kept.

Each run that the database was made of and the archive lacks becomes a run of the source `restored`, at the same time of
day, with an answer for each of its answers that told something: the rows, as warehouse/parse/restored.py reads them.
Run and answers are called by what they are made of, so what was restored once is not restored again; each run is one
part, whole or absent, so a killed restore is finished by the next.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb

from warehouse.errors import BadInputError, DlpulseError
from warehouse.keptrows import ASKED_AGAIN, KEPT, RUNS, query_of
from warehouse.parse import Rejected, rows_of
from warehouse.parse.restored import SOURCE, restored_id
from warehouse.query import Damaged, is_damage, one_line, open_readonly
from warehouse.raw import RUN_END, RUN_START, Archive, Response
from warehouse.rawparts import run_of
from warehouse.rawruns import write_ended

_RUN_TIME = re.compile(r"\d{8}T\d{6}-")
_ROWS_AT_ONCE = 10_000
_ANSWER = ("of_run", "response_id", "subject")
Row = dict[str, Any]


@dataclass(frozen=True)
class Kept:
    """What of a kind the database holds: its `rows`, how many are `restored`, and by what others are `asked_again`."""

    what: str
    rows: int
    restored: int = 0
    asked_again: str = ""


@dataclass(frozen=True)
class Restored:
    """What a restore wrote, or would write: the runs, oldest first, each with its notes, and what was found."""

    runs: Sequence[Sequence[Response]]
    kept: Sequence[Kept]

    @property
    def answers(self) -> int:
        """How many answers there are in the runs, notes aside."""
        return sum(len(run) - 2 for run in self.runs)


def plan(archive: Archive, database: Path, now: datetime) -> Restored:
    """Read what the database tells and the archive lacks; writes nothing.

    Cost: all of it in memory, as text: some hundred bytes a row.

    Raises:
        BadInputError: there is no such file, or it is no database of this version of dlpulse.
        DlpulseError: the database is damaged, or another program writes to it.
    """
    there = {run_of(stem) for source in archive.sources() for stems in archive.live(source).values() for stem in stems}
    there |= set(map(restored_id, there))
    answers: dict[str, list[Response]] = {}
    kept = []
    with _asking(database) as ask:
        times = {row["run_id"]: row for row in ask(RUNS)}
        for run_id, row in times.items():
            _instant(row["finished_at"], now, run_id, database)
        for table in KEPT:
            rows = restored = 0
            for _, group in groupby(ask(query_of(table)), key=lambda row: [row[name] for name in _ANSWER]):
                told = list(group)
                rows += len(told)
                _instant(told[0]["fetched_at"], now, told[0]["response_id"], database)
                if not there & {told[0]["of_run"], _id_of(told[0])}:
                    restored += len(told)
                    answers.setdefault(told[0]["of_run"], []).append(_answer(table, told))
            kept.append(Kept(table, rows, restored))
        kept += [Kept(what, _count(ask(sql)), 0, again) for what, (sql, again) in ASKED_AGAIN.items()]
    runs = [_numbered(run, answers[run], times[run], now) for run in sorted(answers)]
    for run in runs:
        _check(run, database)
    return Restored(runs, kept)


def write(archive: Archive, runs: Sequence[Sequence[Response]], advance: Callable[[object], None]) -> None:
    """Write the runs, oldest first, each whole or not at all; calls `advance` after each.

    Raises:
        DlpulseError: the disk is full, or the archive cannot be written.
    """
    for run in runs:
        write_ended(archive.root / f"source={SOURCE}", run)
        advance(run)


@contextmanager
def _asking(database: Path) -> Iterator[Callable[[str], Iterator[Row]]]:
    """Yield what runs a statement and yields its rows. A lost archive makes nothing again, so nobody is told to build.

    Raises:
        BadInputError, DlpulseError: as `plan`.
    """
    if not database.is_file():
        raise BadInputError(f"{database} is no file; name a database that dlpulse published")
    try:
        with open_readonly(database) as connection:

            def ask(sql: str) -> Iterator[Row]:
                for batch in connection.sql(sql).to_arrow_table().to_batches(_ROWS_AT_ONCE):
                    yield from batch.to_pylist()

            yield ask
    except Damaged:
        raise DlpulseError(f"nothing was restored: {database} is no DuckDB file, or is damaged") from None
    except duckdb.Error as error:
        if is_damage(error):
            raise DlpulseError(f"nothing was restored: {database} is damaged ({one_line(error)})") from None
        if not isinstance(error, duckdb.CatalogException | duckdb.BinderException):  # as too little memory
            raise DlpulseError(f"nothing was restored: {database}: {one_line(error)}") from None
        raise BadInputError(
            f"nothing was restored: {database} is no database as this version of dlpulse publishes it "
            f"({one_line(error)}); restore with the version that built it"
        ) from None
    except (OverflowError, ValueError) as error:  # an instant that Python has no word for
        raise BadInputError(f"nothing was restored: {database} tells what cannot be: {error}") from None


def _count(rows: Iterator[Row]) -> int:
    (row,) = rows
    return sum(row.values())


def _id_of(told: Row) -> str:
    """Return the id of the run that a row is restored to; what was restored before keeps its own."""
    return str(told["of_run"]) if told["of_source"] == SOURCE else restored_id(told["of_run"])


def _instant(value: Any, now: datetime, of: str, database: Path) -> datetime:
    if not isinstance(value, datetime) or value > now + timedelta(days=1):
        raise BadInputError(f"nothing was restored: {database} tells of {of} what cannot be: it was read at {value}")
    return value


def _answer(table: str, told: Sequence[Row]) -> Response:
    """Return the rows of one answer as an answer, without the number that it gets in its run."""
    first = told[0]
    rows = [{name: _written(value) for name, value in one["row"].items()} for one in told]
    origin = {"answer": first["response_id"], "source": first["of_source"], "subject": first["of_subject"]}
    return Response(
        response_id=first["response_id"],
        run_id=_id_of(first),
        source=SOURCE,
        subject=first["subject"],
        url=first["url"],
        params={**origin, "sha256": first["body_sha256"]},
        status=None,
        etag=None,
        revalidates=None,
        fetched_at=first["fetched_at"],
        body=json.dumps({"table": table, "rows": rows}, sort_keys=True).encode(),
    )


def _written(value: Any) -> Any:
    """Return a value as JSON has it: instants with their zone, maps as objects."""
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        return dict(value)
    return value


def _numbered(of_run: str, answers: Sequence[Response], times: Mapping[str, Any], now: datetime) -> list[Response]:
    """Return a whole run: its answers in the order in which they came, between notes at its first and last answer's."""
    in_order = sorted(answers, key=lambda one: (one.fetched_at, one.response_id, one.subject))
    rows = sum(len(one.json()["rows"]) for one in in_order)
    blank = replace(in_order[0], url=None, params={})
    ends = {"requests": 0, "rows": rows, "left": "", "noticed": [], "error": None}
    start = _note(blank, RUN_START, times["started_at"], {"restored": of_run, "restored_at": f"{now.isoformat()}Z"})
    end = _note(blank, RUN_END, times["finished_at"], ends)
    return [
        replace(one, response_id=f"{blank.run_id}-{number:05d}")
        for number, one in enumerate([start, *in_order, end], 1)
    ]


def _note(blank: Response, subject: str, at: datetime, content: Mapping[str, Any]) -> Response:
    return replace(blank, subject=subject, fetched_at=at, body=json.dumps(content, sort_keys=True).encode())


def _check(run: Sequence[Response], database: Path) -> None:
    """Raise BadInputError where the parser would not read what was made of the database."""
    for answer in run:
        try:
            if not _RUN_TIME.match(answer.run_id):
                raise Rejected(f"it is of run {answer.run_id!r}")
            rows_of(answer)
        except Rejected as reason:
            of = answer.params.get("answer", answer.run_id)
            raise BadInputError(f"nothing was restored: {database} tells of {of} what cannot be: {reason}") from None
