"""`dlpulse raw verify`: looks at every archived byte and names all that is wrong, not only the first. Mends nothing.

What a build cannot read can be put aside, so that the rest builds: `put_aside`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from warehouse import rawfile, rawparts
from warehouse.errors import DlpulseError
from warehouse.raw import RUN_END, RUN_START, SCHEMA, Archive

# A run that has told nothing for so long was killed: no source is ever waited for that long.
SILENCE = timedelta(days=1)
_BODILESS = [name for name in SCHEMA.names if name != "body"]


@dataclass(frozen=True)
class Examined:
    """What one part holds: its readable rows without bodies (SCHEMA less `body`), and what is wrong, a line each.

    `is_damaged`: no version of dlpulse reads all of it.
    """

    rows: pa.Table
    faults: Sequence[str]
    is_damaged: bool = False


@dataclass(frozen=True)
class Verified:
    """One source: how many answers, parts and bytes (of files) were looked at, and what is wrong, a line each.

    `damaged` are the parts that cannot be read whole.
    """

    source: str
    answers: int
    parts: int
    bytes: int
    faults: Sequence[str]
    damaged: Sequence[Path] = ()


def examine(part: Path) -> Examined:
    """Read a whole part, row group by row group, and hash every body; raises FileNotFoundError when it is gone."""
    faults: list[str] = []
    is_damaged = False
    tables = [SCHEMA.empty_table().select(_BODILESS)]
    try:
        with rawfile.opened(part) as file:
            if [(one.name, one.type) for one in file.schema_arrow] != [(one.name, one.type) for one in SCHEMA]:
                raise _OtherColumns("its columns are not those of this version of dlpulse")
            for group in range(file.num_row_groups):
                try:
                    for batch in file.iter_batches(batch_size=256, row_groups=[group]):
                        changed = list(map(rawparts.damage, _damaged(batch)))
                        faults += changed
                        is_damaged |= bool(changed)
                        tables.append(pa.Table.from_batches([batch]).select(_BODILESS).cast(tables[0].schema))
                except (pa.ArrowException, OSError) as error:
                    faults.append(_group_fault(part, file, group, error))
                    is_damaged |= _is_the_files(error)
    except DlpulseError as error:
        faults.append(str(error))
        is_damaged |= _is_the_files(error)
    return Examined(pa.concat_tables(tables), faults, is_damaged)


class _OtherColumns(ValueError):
    """The part is not as this version writes one."""


def _is_the_files(error: BaseException) -> bool:
    """Whether an error is the file's own: not of a version, too little memory, or a disk or a right that is wanting."""
    cause = error.__cause__ or error
    elsewhere = isinstance(cause, MemoryError | rawfile.NewerFormat | _OtherColumns) or getattr(cause, "errno", None)
    return not elsewhere


def _damaged(batch: pa.RecordBatch) -> Iterator[str]:
    digests = zip(batch["response_id"].to_pylist(), batch["body_sha256"].to_pylist(), batch["body"], strict=True)
    for response_id, digest, body in digests:
        if not body.is_valid or hashlib.sha256(body.as_buffer()).hexdigest() != digest:
            yield response_id


def _group_fault(part: Path, file: pq.ParquetFile, group: int, error: Exception) -> str:
    told = file.metadata.row_group(group).column(SCHEMA.get_field_index("response_id")).statistics
    which = f": answers {told.min} to {told.max}" if told and told.has_min_max else ""
    return f"raw part {part} cannot be read{which} ({' '.join(str(error).split())}); {rawfile.REMEDY}"


def verify(archive: Archive, source: str, now: datetime, on_part: Callable[[Path], object]) -> Verified:
    """Look at every part of a source; calls `on_part` after each. `now` (UTC) tells killed runs from running ones.

    Cost: one read of the source; in memory its rows without bodies, about a kilobyte each.
    """
    examined: dict[Path, Examined] = {}
    sizes: dict[Path, int] = {}
    parts = archive.parts(source)
    while unseen := [part for part in parts if part not in examined]:
        for part in unseen:
            try:
                sizes[part] = part.stat().st_size
                examined[part] = _examine_named(archive, part)
            except FileNotFoundError:  # merged or compacted meanwhile: its answers are in a new part
                continue
            on_part(part)
        parts = archive.parts(source)
    rows = pa.concat_tables([examined[part].rows for part in parts]) if parts else SCHEMA.empty_table()
    faults = [fault for part in parts for fault in examined[part].faults]
    names = ["response_id", "run_id", "source", "subject", "revalidates", "fetched_at"]
    faults += _connections(rows.select(names).to_pylist(), source, {part.stem for part in parts}, now)
    damaged = [part for part in parts if examined[part].is_damaged]
    return Verified(source, rows.num_rows, len(parts), sum(sizes[part] for part in parts), faults, damaged)


def put_aside(parts: Sequence[Path], folder: Path) -> Iterator[Path]:
    """Move damaged parts out of their archive into `folder`, each below its source's name; yields where each is now.

    Killed, it leaves a part in one of the two places, or in both.

    Raises:
        DlpulseError: a part of that name lies there already (then none is moved), or the folder cannot be written.
    """
    targets = {part: folder / part.parent.name / part.name for part in parts}
    for target in targets.values():
        if target.exists():
            raise DlpulseError(f"{target} is there already: move it away first")
    for part, target in targets.items():
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            # The folder may lie in another file system; a copy cut short must not have the part's name.
            unfinished = target.with_suffix(".tmp")
            with part.open("rb") as damaged, unfinished.open("wb") as copy:
                shutil.copyfileobj(damaged, copy)
                os.fsync(copy.fileno())
            unfinished.replace(target)
            part.unlink()
        except OSError as error:
            raise DlpulseError(f"cannot move {part} to {target}: {error.strerror or error}") from None
        yield target


def _examine_named(archive: Archive, part: Path) -> Examined:
    """Examine a part, leave out answers that another part is read for, and hold its name against its members."""
    found = examine(part)
    if not rawparts.is_compacted(part) or any(str(part) in fault for fault in found.faults):
        return found
    try:
        stems = rawparts.stems(part)
        named = rawparts.compacted_name(stems)
        told = [] if named == part.stem else [f"raw part {part} is not what it is called: by its members {named}"]
        others = archive.elsewhere(part)
    except DlpulseError as error:
        return Examined(found.rows, [*found.faults, str(error)], is_damaged=True)
    rows = found.rows if others is None else found.rows.filter(pc.invert(rawparts.any_of(found.rows, others)))
    return Examined(rows, [*found.faults, *told], found.is_damaged)


def _connections(rows: list[dict[str, Any]], source: str, stems: set[str], now: datetime) -> Iterator[str]:
    """Yield what is wrong between answers: repeats, gaps in a run, runs without notes, confirmations of nothing."""
    counts = Counter(row["response_id"] for row in rows)
    yield from (f"raw answer {one} is there {count} times" for one, count in counts.items() if count > 1)
    runs: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        runs[rawparts.run_of(row["response_id"])].append(row)
        if row["run_id"] != rawparts.run_of(row["response_id"]) or row["source"] != source:
            yield f"raw answer {row['response_id']} is in the wrong place: of run {row['run_id']}, {row['source']}"
        if row["revalidates"] is not None and row["revalidates"] not in counts:
            yield f"raw answer {row['response_id']} confirms {row['revalidates']}, which is not in the archive"
    for run_id in sorted(runs):
        yield from _run_faults(run_id, runs[run_id], run_id in stems, now)


def _run_faults(run_id: str, rows: list[dict[str, Any]], merged: bool, now: datetime) -> Iterator[str]:
    if not merged and max(row["fetched_at"] for row in rows) > now - SILENCE:
        return  # still going on: what was listed is not all that it has written
    subjects = {row["subject"] for row in rows}
    if RUN_START not in subjects:
        yield f"raw run {run_id} has no note of its start"
    if merged and RUN_END not in subjects:
        yield f"raw run {run_id} has no note of its end"
    numbers = {int(row["response_id"].rpartition("-")[2]) for row in rows}
    if missing := sorted(set(range(1, max(numbers) + 1)) - numbers):
        yield f"raw run {run_id} lacks {len(missing)} of its answers, the first {run_id}-{missing[0]:05d}"
