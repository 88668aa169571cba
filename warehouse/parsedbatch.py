"""One batch of the parsed store: the rows of some runs of one source, a Parquet file a table, and what it rests on.

The file of `responses` is written last and removed first. Its footer names the runs, so a batch without it is none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from warehouse import rawparts, starweeks
from warehouse.errors import DlpulseError
from warehouse.files import write_parquet
from warehouse.held import Held, Runs, is_parquet
from warehouse.parse import TABLES, Rejected, Row, rows_of
from warehouse.parse.stars import pacific_date
from warehouse.raw import RUN_END, RUN_START, Response
from warehouse.rawfile import NewerFormat

RESPONSES, RUNS = "responses", "runs"
FOOTER = b"dlpulse.batch"
# Which part holds an answer changes with every merge and compaction: it is looked up at build, not stored.
STORED: dict[str, pa.Schema] = {
    **{name: schema for name, schema in TABLES.items() if name != "star_days"},
    **starweeks.SCHEMAS,
    RESPONSES: TABLES[RESPONSES].remove(TABLES[RESPONSES].get_field_index("part")),
}
# Tables of which a reading that repeats the one before it is left out, for the change-only histories made of them have
# no use for it: by table, what a reading is of, and what it says. A coarser key than that of the history loses nothing.
CHANGE_ONLY: Mapping[str, tuple[str, str]] = {
    starweeks.WEEKS: ("repo_id, week", "days, days_over"),
    "package_downloads": (
        "provider, regexp_replace(lower(package), '[-_.]+', '-', 'g'), granularity, mirrors, day",
        "package, downloads",
    ),
}
# In `borrowed`, with an answer's id, the mark of a run whose answer could not be read. No run has such a mark, so the
# batch is parsed again with every build until it can be.
UNREAD = "unread:"
_ROWS_A_CHUNK = 20_000
_ANSWER_FIELDS = (
    "response_id", "fetched_at", "run_id", "source", "subject", "url", "status", "body_sha256", "revalidates",
)  # fmt: skip


@dataclass(frozen=True)
class Batch:
    """What a batch holds: its runs by id with their marks; `first` and `last` are instants, the span of its answers.

    `borrowed` tells of other runs' pages, which a 304 of this batch confirms: the mark of their runs, None where
    there was no such run, UNREAD where it is damaged.
    """

    name: str
    source: str
    runs: Mapping[str, str]
    borrowed: Mapping[str, str | None]
    first: str
    last: str
    tables: Sequence[str]
    bytes: int = 0

    @property
    def unread(self) -> Mapping[str, str]:
        """The damaged answers that the batch does without, by their runs."""
        marks = self.borrowed.items()
        return {run: mark.removeprefix(UNREAD) for run, mark in marks if mark and mark.startswith(UNREAD)}

    def is_true_of(self, runs: Runs) -> bool:
        """Whether the archive still holds what the batch was made of."""
        mine = all(run in runs and runs[run].mark == mark for run, mark in self.runs.items())
        return mine and all((runs[run].mark if run in runs else None) == mark for run, mark in self.borrowed.items())


def load(folder: Path) -> Iterator[Batch]:
    """Yield the whole batches of the folder. Cost: one footer each."""
    for path in sorted((folder / RESPONSES).glob("*.parquet")):
        with suppress(pa.ArrowException, OSError, KeyError, TypeError, ValueError):
            told = json.loads(pq.read_metadata(path).metadata[FOOTER])
            batch = Batch(name=path.stem, **told)
            if all(is_parquet(folder / table / path.name) for table in batch.tables):
                yield batch


def remove(folder: Path, batch: Batch) -> None:
    """Remove a batch."""
    for table in (RESPONSES, *batch.tables):
        (folder / table / f"{batch.name}.parquet").unlink(missing_ok=True)


def reduce(folder: Path, batch: Batch, runs: Sequence[str]) -> Batch:
    """Keep only what the batch has of some of its runs, whose parts are damaged.

    A reading that repeated another run's is not among it, so the batch is parsed again once its parts can be read.
    """
    kept = {}
    for table in (*batch.tables, RESPONSES):
        rows = pq.read_table(folder / table / f"{batch.name}.parquet", schema=STORED[table], partitioning=None)
        # An answer's id is its run's and a number (`rawparts.run_of`).
        of_run = rows["run_id"] if table == RUNS else pc.replace_substring_regex(rows["response_id"], "-[^-]*$", "")
        mine = rows.filter(pc.is_in(of_run, pa.array(runs)))
        if mine.num_rows or table == RESPONSES:
            kept[table] = mine
    answers = kept[RESPONSES].group_by("run_id").aggregate([("response_id", "min")]).to_pylist()
    unread = {row["run_id"]: UNREAD + row["response_id_min"] for row in answers}
    reduced = _write(folder, batch.source, {run: batch.runs[run] for run in runs}, {**batch.borrowed, **unread}, kept)
    remove(folder, batch)
    return reduced


def sweep(folder: Path, batches: Iterable[Batch]) -> None:
    """Remove what belongs to none of the batches: left by a kill, or damaged."""
    known = {folder / table / f"{batch.name}.parquet" for batch in batches for table in (*batch.tables, RESPONSES)}
    for table in STORED:
        for path in (folder / table).iterdir():
            if path not in known and not path.name.startswith("_"):
                path.unlink()


def parse(folder: Path, runs: Sequence[Held], others: Runs) -> Batch:
    """Parse the runs' answers into a new batch; `others` are all runs of the source.

    Raises:
        DlpulseError: a part is damaged, or of a source that no parser knows.
        FileNotFoundError: a part was merged or compacted meanwhile.
    """
    reading = _Reading(others)
    for part, held in _by_part(runs).items():
        for batch in rawparts.batches(part, min(held), max(held)):
            mine = batch.filter(pc.is_in(batch["run_id"], pa.array(sorted(held))))
            for row in mine.to_pylist():
                reading.take(rawparts.from_row(row))
    return _write(folder, runs[0].source, {run.run_id: run.mark for run in runs}, reading.borrowed, reading.tables())


def _by_part(runs: Iterable[Held]) -> dict[Path, set[str]]:
    parts: dict[Path, set[str]] = {}
    for run in runs:
        for part in run.parts:
            parts.setdefault(part, set()).add(run.run_id)
    return parts


def merge(folder: Path, batches: Sequence[Batch]) -> Batch:
    """Put neighbours, of whose spans no other batch has a part, into one; nothing is parsed again."""
    runs = {run: mark for batch in batches for run, mark in batch.runs.items()}
    borrowed = {run: mark for batch in batches for run, mark in batch.borrowed.items() if run not in runs}
    tables = {
        table: pa.concat_tables(
            pq.read_table(folder / table / f"{batch.name}.parquet", schema=STORED[table], partitioning=None)
            for batch in batches
            if table in (*batch.tables, RESPONSES)
        )
        for table in dict.fromkeys((RESPONSES, *(name for batch in batches for name in batch.tables)))
    }
    merged = _write(folder, batches[0].source, runs, borrowed, tables)
    for batch in batches:
        remove(folder, batch)
    return merged


@dataclass
class _Reading:
    """Gathers the rows of answers, by table."""

    others: Runs
    borrowed: dict[str, str | None] = field(default_factory=dict)
    _rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _chunks: dict[str, list[pa.Table]] = field(default_factory=dict)
    _pages: starweeks.Pages = field(default_factory=starweeks.Pages)
    _seen: set[str] = field(default_factory=set)

    def take(self, response: Response) -> None:
        """Parse one answer; one that was told twice counts once."""
        if response.response_id in self._seen:
            return
        self._seen.add(response.response_id)
        rejected = None
        try:
            for table, row in self._rows_of(response):
                self._add(table, row)
        except Rejected as reason:
            rejected = str(reason)
        self._add(RESPONSES, _response_row(response, rejected))

    def _rows_of(self, response: Response) -> Iterable[Row]:
        if response.subject in (RUN_START, RUN_END):
            return [(RUNS, _run_row(response))]
        if starweeks.is_page(response):
            self._pages.take(response)
            return []
        origin = {"response_id": response.response_id, "fetched_at": response.fetched_at}
        return [(table, {**row, **origin}) for table, row in rows_of(response)]

    def _add(self, table: str, row: dict[str, Any]) -> None:
        rows = self._rows.setdefault(table, [])
        rows.append(row)
        if len(rows) == _ROWS_A_CHUNK:
            self._close(table)

    def _close(self, table: str) -> None:
        chunk = pa.Table.from_pylist(self._rows.pop(table), schema=STORED[table])
        self._chunks.setdefault(table, []).append(chunk)

    def tables(self) -> dict[str, pa.Table]:
        """Return all rows."""
        for table in list(self._rows):
            self._close(table)
        return {name: pa.concat_tables(chunks) for name, chunks in self._chunks.items()} | self._pages.tables(
            self._find
        )

    def _find(self, response_id: str) -> Response | None:
        """Return a page of another run of the source; notes that this batch rests on it."""
        run_id = rawparts.run_of(response_id)
        run = self.others.get(run_id)
        self.borrowed.setdefault(run_id, run.mark if run else None)
        damaged = False
        for part in run.parts if run else ():
            try:
                if found := rawparts.answer(part, response_id):
                    return found
            except NewerFormat:
                raise
            except DlpulseError:
                damaged = True
        if damaged:  # its rows were parsed and stay; that it was confirmed is left out until it can be read
            self.borrowed[run_id] = UNREAD + response_id
        return None


def _run_row(response: Response) -> dict[str, Any]:
    end = response.json() if response.subject == RUN_END else {}
    at: datetime = response.fetched_at
    return {
        "run_id": response.run_id,
        "source": response.source,
        "started_at": None if end else at,
        "finished_at": at if end else None,
        "requests": end.get("requests"),
        "rows": end.get("rows"),
        "error": end.get("error"),
    }


def _response_row(response: Response, rejected: str | None) -> dict[str, Any]:
    return {
        **{name: getattr(response, name) for name in _ANSWER_FIELDS},
        "params": json.dumps(dict(response.params), sort_keys=True, default=str),
        "bytes": len(response.body),
        "rejected": rejected,
        "pacific_day": pacific_date(response.fetched_at),
    }


def _write(
    folder: Path, source: str, runs: Mapping[str, str], borrowed: Mapping[str, str | None], tables: dict[str, pa.Table]
) -> Batch:
    """Write a batch's tables, last the responses with the batch's footer. The name says which runs, as they are."""
    answers = tables.pop(RESPONSES)
    named = json.dumps(sorted(runs.items()))
    name = f"{source}-{hashlib.sha256(named.encode()).hexdigest()[:16]}"
    written = 0
    for table, rows in sorted(tables.items()):
        path = folder / table / f"{name}.parquet"
        write_parquet(path, change_only(rows, *CHANGE_ONLY[table]) if table in CHANGE_ONLY else rows)
        written += path.stat().st_size
    span = pc.min_max(answers["fetched_at"]).as_py()
    first, last = (instant.isoformat(timespec="microseconds") for instant in (span["min"], span["max"]))
    batch = Batch(name, source, runs, borrowed, first, last, sorted(tables), written + answers.nbytes // 8)
    told = {key: value for key, value in asdict(batch).items() if key != "name"}
    write_parquet(folder / RESPONSES / f"{name}.parquet", answers.replace_schema_metadata({FOOTER: json.dumps(told)}))
    return batch


def change_only(rows: pa.Table, keys: str, values: str) -> pa.Table:
    """Return the readings that differ from the one before them of the same key, in order of time."""
    import duckdb

    sql = f"""
        select *
        from rows
        qualify
            row({values})
            is distinct from lag(row({values})) over (partition by {keys} order by fetched_at, response_id)
        order by {keys}, fetched_at, response_id
    """
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("rows", rows)
        return connection.sql(sql).to_arrow_table().cast(rows.schema)
