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
import pyarrow.parquet as pq

from warehouse.errors import DlpulseError
from warehouse.files import write_parquet
from warehouse.settings import Clock

FORMAT_VERSION = 1
COLLECTOR_VERSION = "0.1.0"
RUN_START, RUN_END = "run:start", "run:end"

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

    def responses(self, source: str | None = None) -> Iterator[Response]:
        """Yield every archived answer once, oldest run first, also while another process merges its run."""
        seen: set[str] = set()
        pending = self.parts(source)
        while pending:
            part = pending.pop(0)
            try:
                answers = [answer for answer in self.read(part) if answer.response_id not in seen]
            except FileNotFoundError:
                pending = self.parts(source)
                continue
            seen.update(answer.response_id for answer in answers)
            yield from answers

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
        self.run_id = f"{clock():%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        self.requests = 0
        self.rows = 0
        self.left = ""
        self.noticed: Sequence[str] = ()
        self._folder = archive.root / f"source={source}"
        self._params = params
        self._written: list[Path] = []

    def __enter__(self) -> Run:
        self.note(RUN_START, self._params)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        told = isinstance(error, DlpulseError)
        message = None if error is None else str(error) if told else f"{type(error).__name__}: {error}"
        counts = {"requests": self.requests, "rows": self.rows, "left": self.left, "noticed": list(self.noticed)}
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
        write_parquet(path, pa.Table.from_pylist([_to_row(response)], schema=SCHEMA))
        self._written.append(path)
        self.requests += status is not None
        return response

    def note(self, subject: str, content: Mapping[str, Any]) -> Response:
        """Store a note of dlpulse's own (no status): the start or end of a run, a finished window."""
        return self.write(subject, json.dumps(content, sort_keys=True, default=str).encode())

    def _merge(self) -> None:
        """Put the run's parts into one file, then remove them; killed in between, readers drop the repeats."""
        tables = [pq.read_table(path, schema=SCHEMA, partitioning=None) for path in self._written]
        write_parquet(self._folder / f"{self.run_id}.parquet", pa.concat_tables(tables))
        for path in self._written:
            path.unlink()
