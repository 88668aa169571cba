"""One run of a collector: its notes, and its writer, which puts every answer on disk before the next is asked."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.errors import DlpulseError
from warehouse.files import write_parquet
from warehouse.rawfile import SCHEMA
from warehouse.rawparts import Response, to_row
from warehouse.settings import Clock

RUN_START, RUN_END = "run:start", "run:end"
RUN_TIME = "%Y%m%dT%H%M%S"
# A run's own parts are kept in memory for the merge up to this size; those of a larger run are read again.
_MERGE_FROM_MEMORY_BYTES = 64 * 2**20
# Building a table from one struct takes a third of the time that its columns one by one would.
_ROW = pa.struct(list(SCHEMA))


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


def write_ended(folder: Path, answers: Sequence[Response]) -> None:
    """Put a run that has ended, its notes among the answers, on disk as one part: all of it or nothing.

    Raises:
        DlpulseError: the disk is full, or the folder cannot be written.
    """
    table = pa.Table.from_struct_array(pa.array(list(map(to_row, answers)), _ROW))
    write_parquet(folder / f"{answers[0].run_id}.parquet", table)


class Run:
    """Writes one run's answers, each safe on disk before `write` returns, and merges the parts when the run ends."""

    def __init__(self, folder: Path, source: str, clock: Clock, params: Mapping[str, Any]) -> None:
        self.source = source
        self.clock = clock
        self.run_id = f"{clock():{RUN_TIME}}-{secrets.token_hex(4)}"
        self.requests = 0
        self.rows = 0
        self.left = ""
        self.budget = ""
        self.noticed: Sequence[str] = ()
        self.refused: Sequence[str] = ()
        self._folder = folder
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
        if self.budget:
            counts["budget"] = self.budget
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
        table = pa.Table.from_struct_array(pa.array([to_row(response)], _ROW))
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
        try:
            tables = [*self._tables, *(pq.read_table(path, schema=SCHEMA, partitioning=None) for path in later)]
        except FileNotFoundError:  # compacted: the run slept for a day, as on a closed laptop, and was taken for dead
            return
        write_parquet(self._folder / f"{self.run_id}.parquet", pa.concat_tables(tables))
        for path in self._written:
            path.unlink(missing_ok=True)
