"""Asks the published database in SQL that someone typed: in a process of its own that can be ended at any moment.

`ask` streams batches of any number; `fetch` brings back a table of at most so many rows.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from warehouse.errors import BadInputError, DlpulseError
from warehouse.query import MEMORY_LIMIT

SECONDS = 60.0
TABLE_BYTES = 512 << 20
# -I: neither the working folder nor the user's own site-packages may shadow a library.
ARGUMENTS = ("-I", "-m", "warehouse.sql_child")
# The user's environment holds tokens; the child gets the time zone, and where libraries lie on unusual systems.
_PASSED = ("TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}
_BINARY_UNITS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
LEAST_MEMORY = 10_000_000
Job = dict[str, Any]


class TooLong(DlpulseError):
    """The query took all of its time."""


class TooMuchMemory(DlpulseError):
    """The query needs more memory than it may have."""


class TooLarge(DlpulseError):
    """The result is longer or larger than it may be."""


_KINDS: dict[str, type[DlpulseError]] = {
    kind.__name__: kind for kind in (BadInputError, TooMuchMemory, TooLarge, DlpulseError)
}


@dataclass(frozen=True)
class Answer:
    """The columns of a result, and its rows as they come; each batch is at most 64 MiB."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]


@contextmanager
def ask(database: Path, sql: str, *, seconds: float = SECONDS, memory: str = MEMORY_LIMIT) -> Iterator[Answer]:
    """Run the one reading statement in `sql`; leaving the block ends the query's process.

    `seconds` count from the statement's start to the last row taken, so a slow reader spends them too.

    Raises:
        BadInputError: when there is not one statement, it does more than read, or DuckDB refuses it.
        TooLong, TooMuchMemory: when time or memory is spent; while the batches are taken as well.
        TooLarge: when one row is larger than 64 MiB.
        DlpulseError: when there is no published database, or the process broke.
    """
    job: Job = {"database": str(database), "sql": sql, "seconds": seconds, "memory": memory, "bytes": in_bytes(memory)}
    variables = {name: os.environ[name] for name in _PASSED if name in os.environ}
    child = subprocess.Popen(
        [sys.executable, *ARGUMENTS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=variables,
        cwd="/",
        start_new_session=True,  # a terminal's Ctrl-C is for the parent, which ends the child
    )
    try:
        yield _started(child, job)
    finally:
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout, child.stderr):
            with suppress(BrokenPipeError):
                stream.close()  # type: ignore[union-attr]


def fetch(
    database: Path, sql: str, *, rows_limit: int, seconds: float = SECONDS, memory: str = MEMORY_LIMIT
) -> pa.Table:
    """Return the whole result of `ask`.

    Raises:
        TooLarge: when it has more than `rows_limit` rows or 512 MiB; and all that `ask` raises.
    """
    with ask(database, sql, seconds=seconds, memory=memory) as answer:
        taken: list[pa.RecordBatch] = []
        for batch in answer.batches:
            taken.append(batch)
            if sum(one.num_rows for one in taken) > rows_limit:
                raise TooLarge(f"the result has more than {rows_limit:,} rows; aggregate, filter or limit it")
            if sum(one.nbytes for one in taken) > TABLE_BYTES:
                raise TooLarge(f"the result is larger than {TABLE_BYTES >> 20} MiB; aggregate, filter or limit it")
        return pa.Table.from_batches(taken, answer.schema)


def in_bytes(memory: str) -> int:
    """Return the bytes of `512MB`, `2GB` or `1.5GiB`; raises BadInputError for anything else."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b", memory.strip().lower())
    if not found or (found[3] and not found[2]):
        raise BadInputError(f"--memory: expected a size such as 512MB, 2GB or 1.5GiB, found {memory!r}")
    count = int(float(found[1]) * (_BINARY_UNITS if found[3] else _UNITS)[found[2]])
    if not LEAST_MEMORY <= count < 1 << 50:
        raise BadInputError(f"--memory: expected at least {LEAST_MEMORY // 1_000_000}MB, found {memory!r}")
    return count


def _started(child: subprocess.Popen[bytes], job: Job) -> Answer:
    assert child.stdin is not None
    with suppress(BrokenPipeError):  # it died before it listened: its ending says how
        child.stdin.write(json.dumps(job).encode() + b"\n")
        child.stdin.flush()
    try:
        reader = pa.ipc.open_stream(child.stdout)
    except (pa.ArrowException, OSError):
        raise _ended(child, job) from None
    if not reader.schema.names:  # a refusal: nothing but the child's last line follows
        reader.read_all()
        raise _ended(child, job)
    return Answer(reader.schema, _taken(child, job, reader))


def _taken(child: subprocess.Popen[bytes], job: Job, reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    try:
        yield from reader
    except (pa.ArrowException, OSError):
        raise _ended(child, job) from None
    # A stream that was cut between two batches reads like one at its end: the child's last line tells them apart.
    if failure := _failure(child, job):
        raise failure


def _ended(child: subprocess.Popen[bytes], job: Job) -> DlpulseError:
    return _failure(child, job) or DlpulseError("the query's process gave an answer that cannot be read")


def _failure(child: subprocess.Popen[bytes], job: Job) -> DlpulseError | None:
    """Return what the child's last line or, without one, its exit says; None when all went well."""
    assert child.stdout is not None
    assert child.stderr is not None
    with suppress(ValueError):
        ending = json.loads(child.stdout.read())
        return _KINDS[ending["error"]](ending["message"]) if ending else None
    code = child.wait()
    if code == -signal.SIGALRM:
        return TooLong(f"the query was stopped after {job['seconds']:g} s")
    if code < 0:
        name = signal.Signals(-code).name
        return TooMuchMemory(
            f"the query ended its process ({name}): it is too deep or needs too much memory; simplify it"
        )
    words = child.stderr.read().decode(errors="replace").strip().split("\n")[-1]
    return DlpulseError(f"the query's process failed with exit code {code}: {words[:300]}")
