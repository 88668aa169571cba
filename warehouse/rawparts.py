"""One part of the raw archive: what its name says, which runs it holds, and its rows. Knows nothing of the others.

Plain parts are `<run_id>-<n>` (one answer) and `<run_id>` (a whole run). A compacted one is called
`<first run_id>_<last run_id>_<digest>` and names its members in its footer: the stems of the plain parts that went
into it. The name says only what it cannot hold, for another machine's run may be copied in later and fall between.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from warehouse.errors import DlpulseError
from warehouse.rawfile import FORMAT_VERSION, SCHEMA, opened, readable

COLLECTOR_VERSION = "0.1.0"
# The footer's entry of a compacted part: {"span": the year, month or run it was made for, "members": [stem, ...]}.
FOOTER = b"dlpulse.compacted"
_ENDING = ".parquet"
# Sorts after every character of a run's id.
_LAST = "~"


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


def to_row(response: Response) -> dict[str, Any]:
    """Return the answer as a row of SCHEMA."""
    row = {name: getattr(response, name) for name in SCHEMA.names}
    row["params"] = json.dumps(dict(response.params), sort_keys=True, default=str)
    return row


def from_row(row: dict[str, Any]) -> Response:
    """Return a row of SCHEMA as an answer; raises DlpulseError when the body lacks the recorded SHA-256."""
    digest = row.pop("body_sha256", None)
    try:
        response = Response(**{**row, "params": json.loads(row["params"] or "{}")})
    except (KeyError, TypeError, ValueError) as error:
        raise DlpulseError(f"raw answer {row.get('response_id')} cannot be read ({error})") from None
    if response.body_sha256 != digest:
        raise DlpulseError(damage(response.response_id))
    return response


def damage(response_id: str) -> str:
    """Say that an answer's body is not what was archived."""
    return f"raw answer {response_id} is damaged: its body no longer has the recorded sha256"


def run_of(stem: str) -> str:
    """Return the run of a plain part, or of an answer, by its name. A run's id has one hyphen."""
    return "-".join(stem.split("-")[:2])


def is_single(stem: str) -> bool:
    """Whether the name is that of a part with one answer: its run has not merged it."""
    return stem.count("-") == 2 and "_" not in stem


def is_compacted(part: Path) -> bool:
    """Whether the part holds many runs' answers."""
    return "_" in part.stem


def listed(folder: Path) -> list[Path]:
    """Return a folder's parts as they were at one moment; none when it is not there.

    One listing may miss a new part and already its members: it is sure only when a second one tells the same, but
    for single answers, which come alone.
    """
    names, again = _names(folder), _names(folder)
    while names - again or not all(is_single(name) for name in again - names):
        names, again = again, _names(folder)
    return [folder / f"{name}{_ENDING}" for name in again]


def _names(folder: Path) -> set[str]:
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        return {entry.name.removesuffix(_ENDING) for entry in entries if entry.name.endswith(_ENDING)}
    return set()


def first_run(part: Path) -> str:
    """Return the id of the oldest run in the part, by its name."""
    return run_of(part.stem.partition("_")[0])


def last_run(part: Path) -> str:
    """Return the id of the newest run in the part, by its name."""
    return run_of(part.stem.split("_")[1]) if is_compacted(part) else run_of(part.stem)


def place(part: Path) -> tuple[str, bool, int, str, str]:
    """Return what parts sort by: the oldest run first, then in the order in which its answers came."""
    # What was compacted of a run comes before what it wrote after; its answer 100000 comes after its answer 99999.
    return first_run(part), not is_compacted(part), len(part.stem), part.stem, part.parent.name


def members(part: Path) -> tuple[str, ...]:
    """Return the ids of the runs that the part holds answers of, oldest first: one for a plain part.

    Cost: none for a plain part, one read of the footer for a compacted one, kept for as long as the process lives.

    Raises:
        DlpulseError: the footer of a compacted part cannot be read.
        FileNotFoundError: a compacted part has been compacted again meanwhile.
    """
    return tuple(dict.fromkeys(map(run_of, stems(part))))


def stems(part: Path) -> tuple[str, ...]:
    """Return the names, without ending, of the plain parts that the part is or was made of; raises as `members`."""
    return _footer(part)[1] if is_compacted(part) else (part.stem,)


def span(part: Path) -> str:
    """Return what a compacted part was made for: a year `2026`, a month `2026-11`, or the id of a killed run."""
    return _footer(part)[0]


def compacted_name(members: Sequence[str]) -> str:
    """Return the name, without ending, of the compacted part with these members (stems, in their order)."""
    digest = hashlib.sha256("\n".join(members).encode()).hexdigest()
    runs = sorted(map(run_of, members))
    return f"{runs[0]}_{runs[-1]}_{digest[:8]}"


# A compacted part never changes: its name holds a digest of its members.
@lru_cache(maxsize=4096)
def _footer(part: Path) -> tuple[str, tuple[str, ...]]:
    with readable(part):
        told = json.loads(pq.read_metadata(part).metadata[FOOTER])
        return told["span"], tuple(told["members"])


def batches(part: Path, first: str = "", last: str = _LAST, *, size: int = 64) -> Iterator[pa.RecordBatch]:
    """Yield the rows of SCHEMA of the runs from `first` to `last` (ids, or beginnings of such), in their order.

    Cost: of a compacted part only the row groups that may hold such a run are read, by their statistics.
    """
    with opened(part) as file:
        if missing := {"response_id", "run_id"} - set(file.schema_arrow.names):
            raise ValueError(f"it has no column {missing.pop()}")
        cut = is_compacted(part) and bool(first or last != _LAST)
        last += _LAST
        groups = [group for group in range(file.num_row_groups) if _may_hold(file, group, first, last)]
        for batch in file.iter_batches(batch_size=size, row_groups=groups):
            runs = batch["run_id"]
            yield batch.filter(pc.and_(pc.greater_equal(runs, first), pc.less_equal(runs, last))) if cut else batch


def _may_hold(file: pq.ParquetFile, group: int, first: str, last: str) -> bool:
    told = file.metadata.row_group(group).column(SCHEMA.get_field_index("response_id")).statistics
    return not (told and told.has_min_max) or bool(told.max >= first and told.min <= last)


def answer(part: Path, response_id: str) -> Response | None:
    """Return one answer of the part, or None. Cost: as `batches` for one run, and one body."""
    run_id = run_of(response_id)
    for batch in batches(part, run_id, run_id):
        for row in batch.filter(pc.equal(batch["response_id"], response_id)).to_pylist():
            return from_row(row)
    return None


def notes(part: Path, run_id: str, subjects: tuple[str, ...]) -> list[Response]:
    """Return a run's answers of the given subjects.

    Cost: a plain part is read; of a compacted one the row groups that may hold the run, once for all their runs.
    """
    with opened(part) as file:
        groups = [group for group in range(file.num_row_groups) if _may_hold(file, group, run_id, run_id + _LAST)]
    kept = _notes if is_compacted(part) else _notes.__wrapped__
    return [note for group in groups for note in kept(part, group, subjects) if note.run_id == run_id]


@lru_cache(maxsize=256)
def _notes(part: Path, group: int, subjects: tuple[str, ...]) -> tuple[Response, ...]:
    with readable(part), pq.ParquetFile(part, page_checksum_verification=True, pre_buffer=False) as file:
        rows = file.read_row_group(group)
    return tuple(map(from_row, rows.filter(pc.is_in(rows["subject"], pa.array(subjects))).to_pylist()))


def any_of(rows: pa.RecordBatch | pa.Table, members: pa.Array) -> pa.Array:
    """Return for each row whether it came with one of the members: whole runs, or single answers."""
    return pc.or_(pc.is_in(rows["run_id"], members), pc.is_in(rows["response_id"], members))


def by_run(rows: Iterable[pa.RecordBatch]) -> Iterator[tuple[tuple[str, int, str], pa.RecordBatch]]:
    """Cut batches where another run begins; yield each with what it sorts by: its run, then its first answer."""
    for batch in rows:
        start = 0
        for run_id, group in groupby(batch["run_id"].to_pylist()):
            length = sum(1 for _ in group)
            first = batch["response_id"][start].as_py()
            yield (run_id, len(first), first), batch.slice(start, length)
            start += length


def live(parts: Iterable[Path]) -> dict[Path, frozenset[str]]:
    """Return which members each of a source's parts is to be read for: each member of exactly one part.

    A whole run stands above its single answers, a compacted part above what it was made of. Parts that are to be
    read for nothing were left behind by a kill. Two compacted parts share members when two machines compacted the
    same runs and their archives were then put together; the larger one counts.

    Raises:
        FileNotFoundError: a part was removed meanwhile; list them again.
    """
    held = {part: _stems_or_itself(part) for part in parts}
    owner: dict[str, Path] = {}
    for part in sorted(held, key=lambda part: (not is_compacted(part), -len(held[part]), part.stem)):
        for stem in held[part]:
            owner.setdefault(stem, part)
    return {
        part: frozenset(
            stem for stem in found if owner[stem] == part and not (is_single(stem) and run_of(stem) in owner)
        )
        for part, found in held.items()
    }


def _stems_or_itself(part: Path) -> Sequence[str]:
    try:
        return stems(part)
    except DlpulseError:  # damaged: whoever reads it is told so
        return (part.stem,)
