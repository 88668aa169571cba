"""`dlpulse raw compact`: puts the many small parts of each source into few large ones. Changes no answer.

What is taken: runs that have ended, and unended ones that have been silent for a day. The runs of a closed month go
into one part, the parts of a closed year into another; the runs of the current month stay apart. So an answer that is
on disk is rewritten twice at most, whenever its run was copied in: a year's part is never touched again, nor is a
month's before its year is over. A killed run's single answers are put together at once, which its own end would have
done.

A new part is written beside the old ones, read again and checked before it takes its name, and only then are the old
ones removed. A kill in between leaves parts that nobody reads (`rawparts.live`) and that the next compaction removes.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from warehouse import rawparts
from warehouse.errors import DlpulseError
from warehouse.files import sync_folder, write_whole
from warehouse.raw import SCHEMA, Archive
from warehouse.verification import SILENCE, Examined, examine

# Parts are filled up to this size, told by the files that go in; what comes out is smaller.
PART_BYTES = 128 * 2**20
# One answer costs the reading of one row group; equal pages of neighbouring days shrink together in large ones.
ROW_GROUP_BYTES = 4 * 2**20
_STATISTICS = ["response_id", "fetched_at", "format_version"]
# Columns whose values repeat; ids, hashes and bodies do not.
_REPEATING = [name for name in SCHEMA.names if name not in ("response_id", "fetched_at", "etag", "body_sha256", "body")]


@dataclass(frozen=True)
class Batch:
    """Parts of one source, oldest first, that are to become one: of a year, a month, or a killed run (`span`)."""

    source: str
    span: str
    parts: tuple[Path, ...]


@dataclass
class Compacted:
    """What became of one source: counts and bytes of its files, seconds, and parts that were left, a line each."""

    source: str
    parts_before: int
    bytes_before: int
    parts_after: int = 0
    bytes_after: int = 0
    took_s: float = 0.0
    faults: list[str] = field(default_factory=list)


@contextmanager
def alone(archive: Archive) -> Iterator[None]:
    """Hold the archive's lock for compactions; raises DlpulseError when another process has it."""
    try:
        with FileLock(archive.root / "compact.lock", timeout=0):
            yield
    except Timeout:
        raise DlpulseError(f"{archive.root} is being compacted by another process") from None
    except OSError as error:
        raise DlpulseError(f"cannot compact {archive.root}: {error.strerror or error}") from None


def compact(archive: Archive, source: str, now: datetime, on_part: Callable[[Path], object]) -> Compacted:
    """Compact one source; calls `on_part` after each part taken. The caller holds the lock (`alone`).

    Cost: one listing, the footers, and the newest answer of each unfinished run; then the parts taken are read twice,
    the new ones written and read once. Room for one new part is needed on the disk.

    Raises:
        DlpulseError: the disk is full or the folder cannot be written; nothing is lost, and what was done stays.
    """
    began = time.monotonic()
    done = Compacted(source, *measure(archive, source))
    done.faults += _remove_leftovers(archive, source)
    for batch in plan(archive, source, now, done.faults):
        done.faults += _merge(archive, batch)
        for part in batch.parts:
            on_part(part)
    done.parts_after, done.bytes_after = measure(archive, source)
    done.took_s = time.monotonic() - began
    return done


def measure(archive: Archive, source: str) -> tuple[int, int]:
    sizes = [size for part in archive.files(source) if (size := _size(part))]
    return len(sizes), sum(sizes)


def _size(part: Path) -> int:
    try:
        return part.stat().st_size
    except FileNotFoundError:  # merged meanwhile
        return 0


def plan(archive: Archive, source: str, now: datetime, faults: list[str] | None = None) -> list[Batch]:
    """Return what a compaction at `now` (UTC) would put together; what it cannot read it adds to `faults`."""
    live = archive.live(source)
    spans: dict[str, list[Path]] = defaultdict(list)
    running: dict[str, bool] = {}
    for part in sorted((part for part in live if live[part]), key=rawparts.place, reverse=True):
        run_id = rawparts.last_run(part)
        try:
            # The newest of a run's single answers, which comes first here, speaks for all.
            if rawparts.is_single(part.stem) and run_id not in running:
                running[run_id] = _is_running(part, now)
            if not running.get(run_id) and (span := _span(part, now)):
                spans[span].insert(0, part)
        except DlpulseError as error:
            if faults is not None:
                faults.append(f"{error}; left as it is")
    return [Batch(source, span, parts) for span in sorted(spans) for parts in _filled(spans[span]) if len(parts) > 1]


def _is_running(newest: Path, now: datetime) -> bool:
    try:
        rows = [row for batch in rawparts.batches(newest) for row in batch.select(["fetched_at"]).to_pylist()]
    except FileNotFoundError:  # it is merging its answers
        return True
    return any(row["fetched_at"] is None or row["fetched_at"] > now - SILENCE for row in rows)


def _span(part: Path, now: datetime) -> str:
    """Return the closed year or month that the part is to be put into, the run of a killed one's answer, or ""."""
    begun = rawparts.first_run(part)
    year, month = begun[:4], f"{begun[:4]}-{begun[4:6]}"
    made_for = rawparts.span(part) if rawparts.is_compacted(part) else ""
    if year < f"{now:%Y}":
        return "" if made_for == year else year
    if month < f"{now:%Y-%m}":
        return "" if made_for == month else month
    return begun if rawparts.is_single(part.stem) else ""


def _filled(parts: Sequence[Path]) -> Iterator[tuple[Path, ...]]:
    """Cut a span's parts where the next one would not fit into PART_BYTES."""
    filling: list[Path] = []
    filled = 0
    for part in parts:
        size = _size(part)
        if filling and filled + size > PART_BYTES:
            yield tuple(filling)
            filling, filled = [], 0
        filling.append(part)
        filled += size
    yield tuple(filling)


def _merge(archive: Archive, batch: Batch) -> list[str]:
    """Put a batch into one part and remove its members; return what was damaged, and so left, a line each."""
    faults, sound = [], []
    live = archive.live(batch.source)
    for part in batch.parts:
        with suppress(FileNotFoundError):  # its run went on after a day of silence, and merged
            wrong = examine(part).faults
            faults += [f"{fault}; left as it is" for fault in wrong]
            if not wrong and live.get(part):
                sound.append(part)
    if len(sound) > 1:
        members = sorted(stem for part in sound for stem in live[part])
        path = sound[0].with_name(f"{rawparts.compacted_name(members)}.parquet")
        writer = _Writer(batch.span, members)
        with suppress(_Changed):
            write_whole(path, lambda file: writer.write(file, archive.in_run_order(sound)), check=writer.check)
            _remove(sound)
    return faults


class _Changed(Exception):
    """A part was merged or copied in while it was read; the next compaction takes what is there then."""


class _Writer:
    """Writes one compacted part, and remembers its rows without bodies to hold them against what is read again."""

    def __init__(self, span: str, members: Sequence[str]) -> None:
        self._footer = {"span": span, "members": members}
        self._members = set(members)
        self._kept: list[pa.Table] = []

    def write(self, file: BinaryIO, rows: Iterator[pa.RecordBatch]) -> None:
        with pq.ParquetWriter(
            file,
            SCHEMA,
            compression="zstd",
            compression_level=6,
            use_dictionary=_REPEATING,
            write_statistics=_STATISTICS,
            write_page_checksum=True,
            data_page_size=ROW_GROUP_BYTES,
        ) as writer:
            for group in _groups(_there(rows)):
                table = pa.Table.from_batches(group).cast(SCHEMA)
                writer.write_table(table, row_group_size=table.num_rows)
                self._kept.append(table.drop_columns(["body"]))
            writer.add_key_value_metadata({rawparts.FOOTER: json.dumps(self._footer)})

    def check(self, written: Path) -> None:
        """Raise DlpulseError unless the part holds exactly the rows that it was given, with sound bodies.

        Raises _Changed when they are not those of its members.
        """
        found = examine(written)
        if found.faults or not found.rows.equals(pa.concat_tables(self._kept)):
            told = found.faults[0] if found.faults else "its rows are not those that were written"
            raise DlpulseError(f"cannot compact: {told}; is the disk sound? Nothing was removed")
        ids = set(found.rows["run_id"].to_pylist()) | set(found.rows["response_id"].to_pylist())
        if not self._members <= ids:
            raise _Changed


def _there(rows: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    try:
        yield from rows
    except FileNotFoundError:
        raise _Changed from None


def _groups(rows: Iterator[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """Gather batches up to ROW_GROUP_BYTES."""
    gathered: list[pa.RecordBatch] = []
    size = 0
    for batch in rows:
        gathered.append(batch)
        size += batch.nbytes
        if size >= ROW_GROUP_BYTES:
            yield gathered
            gathered, size = [], 0
    if gathered:
        yield gathered


def _remove_leftovers(archive: Archive, source: str) -> list[str]:
    """Remove what a kill left behind, as far as other parts, read again and checked, hold all of it.

    Returns what was not removed, a line each: a part that is damaged, or is read in place of one that is.
    """
    for temporary in (archive.root / f"source={source}").glob(".*_*.parquet.*.tmp"):
        temporary.unlink(missing_ok=True)  # of a compaction, of which there is only this one
    live = archive.live(source)
    left = [part for part in live if not live[part]]
    if not left:
        return []
    runs = {run for part in left for run in rawparts.members(part)}
    faults: list[str] = []
    held: set[tuple[Any, ...]] = set()
    for part in live:
        if live[part] and runs & set(_members(part)):
            found = examine(part)
            faults += found.faults
            held |= set() if found.faults else _rows(found)
    for part in left:
        with suppress(FileNotFoundError):  # its run is merging, and has removed it
            if _rows(examine(part)) - held:
                faults.append(f"raw part {part} was left by a killed merge, but holds answers that no sound part holds")
            else:
                _remove([part])
    return faults


def _members(part: Path) -> Sequence[str]:
    try:
        return rawparts.members(part)
    except DlpulseError:
        return ()


def _rows(part: Examined) -> set[tuple[Any, ...]]:
    return set(zip(*(column.to_pylist() for column in part.rows.columns), strict=True))


def _remove(parts: Sequence[Path]) -> None:
    try:
        for part in parts:
            part.unlink(missing_ok=True)
        if parts:
            sync_folder(parts[0].parent)
    except OSError as error:
        raise DlpulseError(f"cannot remove what was compacted: {error.strerror or error}") from None
