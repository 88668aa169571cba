"""The raw archive: every answer as it came, in Parquet parts that are whole or absent. Never opens the database."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from warehouse.errors import DlpulseError
from warehouse.files import write_parquet
from warehouse.settings import Clock

FORMAT_VERSION = 1
COLLECTOR_VERSION = "0.1.0"
RUN_START, RUN_END = "run:start", "run:end"
_RUN_TIME = "%Y%m%dT%H%M%S"
# A run's own parts are kept in memory for the merge up to this size; those of a larger run are read again.
_MERGE_FROM_MEMORY_BYTES = 64 * 2**20

SCHEMA = pa.schema(
    [
        pa.field("response_id", pa.string(), nullable=False),
        ("run_id", pa.string()),
        ("source", pa.string()),
        ("subject", pa.string()),
        ("url", pa.string()),
        ("params", pa.string()),
        ("status", pa.int32()),
        ("etag", pa.string()),
        ("revalidates", pa.string()),
        ("fetched_at", pa.timestamp("us")),
        ("collector_version", pa.string()),
        ("format_version", pa.int32()),
        ("body_sha256", pa.string()),
        ("body", pa.large_binary()),
    ]
)
# Building a table from one struct takes a third of the time that its columns one by one would.
_ROW = pa.struct(list(SCHEMA))


@dataclass(frozen=True)
class Response:
    """One archived answer. `status` is None for dlpulse's own notes (start and end of a run, a finished window)."""

    response_id: str
    run_id: str
    source: str
    subject: str
    url: str | None
    params: Mapping[str, Any]
    status: int | None
    etag: str | None
    revalidates: str | None
    fetched_at: datetime
    body: bytes
    collector_version: str = COLLECTOR_VERSION
    format_version: int = FORMAT_VERSION

    @property
    def body_sha256(self) -> str:
        """The body's SHA-256, 64 hexadecimal digits."""
        return hashlib.sha256(self.body).hexdigest()

    def json(self) -> Any:
        """Return the body decoded as JSON; raises ValueError when it is not."""
        return json.loads(self.body)


def _to_row(response: Response) -> dict[str, Any]:
    row = {name: getattr(response, name) for name in SCHEMA.names}
    row["params"] = json.dumps(dict(response.params), sort_keys=True, default=str)
    return row


def _from_row(row: dict[str, Any]) -> Response:
    digest = row.pop("body_sha256")
    row["params"] = json.loads(row["params"] or "{}")
    response = Response(**row)
    if response.body_sha256 != digest:
        raise DlpulseError(f"raw answer {response.response_id} is damaged: its body no longer has the recorded sha256")
    return response


@dataclass(frozen=True)
class RunNotes:
    """The notes that open and close a run; `end` is None for one that is still going on, or was killed."""

    start: Response
    end: Response | None

    @property
    def is_import(self) -> bool:
        """Whether the run read files that a user named, which is none of the source's schedule."""
        return bool(self.start.json().get("imported"))

    @property
    def error(self) -> str | None:
        """Why the run did not end well, or None when it did."""
        told: str | None = self.end.json().get("error") if self.end else "did not finish"
        return told


def _run_of(part: Path) -> str:
    """Return the run of a part: `<run_id>-<n>`, or `<run_id>` of a merged one. A run's id has one hyphen."""
    return "-".join(part.stem.split("-")[:2])


def _notes(part: Path) -> Iterator[Response]:
    table = pq.read_table(part, schema=SCHEMA, partitioning=None, page_checksum_verification=True)
    wanted = pc.is_in(table["subject"], pa.array([RUN_START, RUN_END]))
    yield from map(_from_row, table.filter(wanted).to_pylist())


class Archive:
    """The folder of parts: `<root>/source=<source>/<run_id>-<n>.parquet`, or `<run_id>.parquet` once merged."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def parts(self, source: str | None = None) -> list[Path]:
        """Return all whole parts, oldest run first.

        A merged run holds its single parts; those that a killed merge left behind are not named again.
        """
        found = list(self.root.glob(f"source={source or '*'}/*.parquet"))
        runs = {path.stem for path in found}
        parts = [path for path in found if path.stem.rpartition("-")[0] not in runs]
        return sorted(parts, key=lambda path: (path.stem, path.parent))

    def read(self, part: Path) -> Iterator[Response]:
        """Yield the answers of one part, a batch at a time; checks each body against its sha256."""
        try:
            with pq.ParquetFile(part, page_checksum_verification=True) as file:
                for batch in file.iter_batches(batch_size=64):
                    yield from map(_from_row, batch.to_pylist())
        except FileNotFoundError:
            raise
        except (pa.ArrowException, OSError, TypeError, ValueError) as error:
            raise DlpulseError(f"raw part {part} cannot be read ({error}); move it away and build again") from None

    def responses(self, source: str | None = None, *, since: datetime | None = None) -> Iterator[Response]:
        """Yield every archived answer once, oldest run first, also while another process merges its run.

        With `since` (UTC) the parts of runs that began earlier are not opened.
        """
        seen: set[str] = set()
        first = f"{since:{_RUN_TIME}}" if since else ""
        pending = [part for part in self.parts(source) if part.stem >= first]
        while pending:
            part = pending.pop(0)
            try:
                answers = [answer for answer in self.read(part) if answer.response_id not in seen]
            except FileNotFoundError:
                pending = self.parts(source)
                continue
            seen.update(answer.response_id for answer in answers)
            yield from answers

    def runs(self, source: str) -> Iterator[RunNotes]:
        """Yield the notes of the source's runs, newest first; opens no more parts than the caller takes."""
        parts: dict[str, list[Path]] = {}
        for part in self.parts(source):
            parts.setdefault(_run_of(part), []).append(part)
        for run_id in sorted(parts, reverse=True):
            try:
                # An unmerged run has its start in its first part, and its end, if any, in its last.
                notes = [note for part in dict.fromkeys((parts[run_id][0], parts[run_id][-1])) for note in _notes(part)]
            except FileNotFoundError:  # merged meanwhile
                notes = list(_notes(parts[run_id][0].with_name(f"{run_id}.parquet")))
            told = {note.subject: note for note in notes}
            if RUN_START in told:
                yield RunNotes(told[RUN_START], told.get(RUN_END))

    def find(self, response_id: str) -> Response | None:
        """Return one answer by its id, or None."""
        run_id = response_id.rpartition("-")[0]
        holders = (run_id, response_id)
        while True:
            try:
                answers = (answer for part in self.parts() if part.stem in holders for answer in self.read(part))
                return next((answer for answer in answers if answer.response_id == response_id), None)
            except FileNotFoundError:  # its run was merged meanwhile
                continue

    def start(self, source: str, clock: Clock, **params: Any) -> Run:
        """Begin a run: returns its writer, a context manager that notes start and end."""
        return Run(self, source, clock, params)


class Run:
    """Writes one run's answers, each safe on disk before `write` returns, and merges the parts when the run ends."""

    def __init__(self, archive: Archive, source: str, clock: Clock, params: Mapping[str, Any]) -> None:
        self.source = source
        self.clock = clock
        self.run_id = f"{clock():{_RUN_TIME}}-{secrets.token_hex(4)}"
        self.requests = 0
        self.rows = 0
        self.left = ""
        self.noticed: Sequence[str] = ()
        self.refused: Sequence[str] = ()
        self._folder = archive.root / f"source={source}"
        self._params = params
        self._written: list[Path] = []
        self._tables: list[pa.Table] = []
        self._in_memory = 0

    def __enter__(self) -> Run:
        self.note(RUN_START, self._params)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        told = isinstance(error, DlpulseError)
        message = None if error is None else str(error) if told else f"{type(error).__name__}: {error}"
        counts = {"requests": self.requests, "rows": self.rows, "left": self.left, "noticed": list(self.noticed)}
        if self.refused:
            counts["refused"] = list(self.refused)
        self.note(RUN_END, {**counts, "error": message})
        self._merge()

    def write(
        self,
        subject: str,
        body: bytes,
        *,
        url: str | None = None,
        params: Mapping[str, Any] | None = None,
        status: int | None = None,
        etag: str | None = None,
        revalidates: str | None = None,
    ) -> Response:
        """Store one answer as a part of its own and return it. Secrets must not be in `url` or `params`."""
        number = len(self._written) + 1
        response = Response(
            response_id=f"{self.run_id}-{number:05d}",
            run_id=self.run_id,
            source=self.source,
            subject=subject,
            url=url,
            params=params or {},
            status=status,
            etag=etag,
            revalidates=revalidates,
            fetched_at=self.clock(),
            body=body,
        )
        path = self._folder / f"{response.response_id}.parquet"
        table = pa.Table.from_struct_array(pa.array([_to_row(response)], _ROW))
        write_parquet(path, table, quick=True)
        self._written.append(path)
        self._in_memory += table.nbytes
        if self._in_memory <= _MERGE_FROM_MEMORY_BYTES:
            self._tables.append(table)
        self.requests += status is not None
        return response

    def note(self, subject: str, content: Mapping[str, Any]) -> Response:
        """Store a note of dlpulse's own (no status): the start or end of a run, a finished window."""
        return self.write(subject, json.dumps(content, sort_keys=True, default=str).encode())

    def _merge(self) -> None:
        """Put the run's parts into one file, then remove them; killed in between, readers drop the repeats."""
        later = self._written[len(self._tables) :]
        tables = [*self._tables, *(pq.read_table(path, schema=SCHEMA, partitioning=None) for path in later)]
        write_parquet(self._folder / f"{self.run_id}.parquet", pa.concat_tables(tables))
        for path in self._written:
            path.unlink()
