"""Keeps the parsed store: what the parsers read out of the raw archive, as typed Parquet files. Disposable.

The runs of a source lie in batches whose spans of time do not meet, so that a repeated reading can be left out inside
a batch. When a run of an earlier time comes in, copied from another machine, the batch it falls into is parsed again
with it. A batch that the archive no longer bears out is dropped. Small neighbours are merged, and nothing is parsed.

What was parsed of a part that is damaged now cannot be made again: it is kept, whatever becomes of the rest of its
batch, and its span may then meet others', as its source's batches are not merged. Once the part is there again, all
that had to do without it is parsed again.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from warehouse import parsedbatch, starweeks, workers
from warehouse.errors import DlpulseError
from warehouse.files import write_parquet
from warehouse.held import Held, Holdings, Runs, is_parquet, known_parts
from warehouse.parsedbatch import STORED, Batch
from warehouse.query import one_line
from warehouse.raw import Archive

# A batch is closed at either; until then each new run costs one rewriting of it.
MOST_RUNS = 256
MOST_BYTES = 16 * 2**20
# From so many parts on, more processes are started: each costs about a second.
PARTS_FOR_PROCESSES = 400
_PARTS, _PARTS_FILE = "parts", "parts.parquet"

Tell = Callable[[int, int], None]
"""Told now and then how many of the new parts have been parsed."""


@dataclass(frozen=True)
class Parsed:
    """The folder of typed tables, how much of the archive was new to it, and which parts are damaged."""

    folder: Path
    parts: int
    new_parts: int
    damaged: Sequence[Path] = ()


@cache
def version() -> str:
    """The parsers' version: a digest of their source, so that a changed parser reads everything again."""
    folder = Path(__file__).with_name("parse")
    digest = hashlib.sha256()
    for path in (*(Path(str(module.__file__)) for module in (parsedbatch, starweeks)), *sorted(folder.glob("*.py"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def refresh(archive: Archive, home: Path, tell: Tell = lambda *_: None) -> Parsed:
    """Parse unseen runs into `<home>/parsed/<version>/<table>/<batch>.parquet` and return that folder.

    Cost: one listing of the archive, and the beginning and end of each part; one read of each new run, once. Runs
    already parsed are not read again, also not after a compaction, nor need their parts be whole. Killed at any moment
    it leaves whole batches, which the next call goes on from. Answers that come in meanwhile wait for the next call.

    Raises:
        DlpulseError: a part with answers that were not parsed is damaged, or the disk is full.
    """
    folder = home / "parsed" / version()
    _prepare(folder)
    known = known_parts(folder / _PARTS / _PARTS_FILE)
    together: list[frozenset[str]] = []
    new: set[Path] = set()
    while True:
        held = Holdings.of(archive, known)
        batches = _true_batches(folder, held)
        groups = list(_groups(held, batches, together))
        new |= {part for group in groups for run in group for part in run.parts}
        whole = _parse(folder, groups, held, tell)
        together, meet = _meeting(folder, held, together)
        if whole and not meet:
            break
    _merge_small(folder, held)
    parsedbatch.sweep(folder, parsedbatch.load(folder))
    held.write_parts(folder / _PARTS / _PARTS_FILE)
    damaged = sorted({*held.damaged, *_unread(folder, held)})
    return Parsed(folder, len(held.parts), len(new & held.parts.keys()), damaged)


def _prepare(folder: Path) -> None:
    """Give each table a file without rows, so that one without answers can be read; remove other versions' stores."""
    for table, schema in STORED.items():
        empty = folder / table / "_empty.parquet"
        if not is_parquet(empty):
            write_parquet(empty, schema.empty_table())
    for left in (folder / _PARTS).glob(".*.tmp"):  # by a kill
        left.unlink(missing_ok=True)
    for other in folder.parent.iterdir():
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)


def _true_batches(folder: Path, held: Holdings) -> list[Batch]:
    """Return the batches that the archive bears out; remove the others, but for what can no longer be parsed."""
    good = []
    for batch in parsedbatch.load(folder):
        lost = held.lost(batch.source, batch.runs)
        if batch.is_true_of(held.sources.get(batch.source, {})) or len(lost) == len(batch.runs):
            good.append(batch)
        elif lost:
            with _mended(folder):
                good.append(parsedbatch.reduce(folder, batch, lost))
        else:
            parsedbatch.remove(folder, batch)
    return good


def _unread(folder: Path, held: Holdings) -> Iterator[Path]:
    """Yield the parts with damaged answers that a 304 confirms."""
    for batch in parsedbatch.load(folder):
        for run_id, answer in batch.unread.items():
            run = held.sources.get(batch.source, {}).get(run_id)
            if run and run_id not in batch.runs:
                yield from (part for part in run.parts if held.parts[part] & {run_id, answer})


def _groups(held: Holdings, batches: Iterable[Batch], together: Iterable[frozenset[str]]) -> Iterator[list[Held]]:
    """Yield the runs to be parsed, each group for one batch; runs that must lie `together` are one group."""
    parsed = {(batch.source, run) for batch in batches for run in batch.runs}
    for source, runs in held.sources.items():
        unseen = {run_id: run for run_id, run in runs.items() if (source, run_id) not in parsed}
        for some in together:
            if joined := [unseen.pop(run_id) for run_id in sorted(some) if run_id in unseen]:
                yield joined
        # A run that goes on comes again and again: alone it costs no other's parsing.
        yield from ([run] for run in unseen.values() if held.goes_on(source, run.run_id))
        yield from _chunks([run for run in unseen.values() if not held.goes_on(source, run.run_id)], held)


def _chunks(runs: Iterable[Held], held: Holdings) -> Iterator[list[Held]]:
    chunk: list[Held] = []
    size = 0.0
    for run in runs:
        with suppress(FileNotFoundError):  # whoever parses it finds out
            size += sum(part.stat().st_size / len(held.parts[part]) for part in run.parts)
        chunk.append(run)
        if len(chunk) == MOST_RUNS or size > MOST_BYTES:
            yield chunk
            chunk, size = [], 0.0
    if chunk:
        yield chunk


def _meeting(folder: Path, held: Holdings, together: Iterable[frozenset[str]]) -> tuple[list[frozenset[str]], bool]:
    """Remove batches whose spans meet, as those of one run do that a killed merge left in two batches.

    Returns the runs that must lie together, and whether there were such batches.
    """
    groups, meet = list(together), False
    batches = list(parsedbatch.load(folder))
    kept = [batch for batch in batches if held.lost(batch.source, batch.runs)]
    for batch in batches:
        # What a killed merge put into another one: that one is kept, so none of them is parsed again.
        if any(batch.source == other.source and batch.runs.keys() < other.runs.keys() for other in kept):
            parsedbatch.remove(folder, batch)
    for stretch in _stretches(batch for batch in parsedbatch.load(folder) if not held.lost(batch.source, batch.runs)):
        if len(stretch) > 1:
            meet = True
            runs = frozenset(run for batch in stretch for run in batch.runs)
            joined = [group for group in groups if group & runs]
            groups = [group for group in groups if not group & runs] + [runs.union(*joined)]
            for batch in stretch:
                parsedbatch.remove(folder, batch)
    return groups, meet


def _stretches(batches: Iterable[Batch]) -> Iterator[list[Batch]]:
    """Cut each source's batches, in order of time, wherever all that came before had ended."""
    stretch: list[Batch] = []
    last = ""
    for batch in sorted(batches, key=lambda batch: (batch.source, batch.first)):
        if stretch and (stretch[0].source != batch.source or batch.first > last):
            yield stretch
            stretch, last = [], ""
        stretch.append(batch)
        last = max(last, batch.last)
    if stretch:
        yield stretch


def _merge_small(folder: Path, held: Holdings) -> None:
    """Merge neighbours as long as they stay small, but for a run that goes on, and sources with damaged parts."""
    batches = list(parsedbatch.load(folder))
    apart = {batch.source for batch in batches if batch.unread or held.lost(batch.source, batch.runs)}
    stretch: list[Batch] = []
    for batch in sorted(batches, key=lambda batch: (batch.source, batch.first)):
        if batch.source in apart:
            continue
        if not _fits(stretch, batch) or any(held.goes_on(batch.source, run) for run in batch.runs):
            _merge(folder, stretch)
            stretch = []
        stretch.append(batch)
    _merge(folder, stretch)


def unreadable(folder: Path) -> Path | None:
    """Return the first file of a store that cannot be read to its end, or None. Cost: it reads all of them."""
    for path in sorted(folder.glob("*/*.parquet")):
        try:
            for _ in pq.ParquetFile(path).iter_batches():
                pass
        except pa.ArrowInvalid:
            return path
        except OSError as error:
            if error.errno is None:  # Arrow's word for a page that is not as it was written
                return path
    return None


def mending(folder: Path) -> str:
    """Say what to do about a damaged store: all of it comes from the raw archive."""
    return f"delete the folder {folder.parent}; `dlpulse build` makes it again"


def _merge(folder: Path, stretch: Sequence[Batch]) -> None:
    if len(stretch) > 1:
        with _mended(folder):
            parsedbatch.merge(folder, stretch)


@contextmanager
def _mended(folder: Path) -> Iterator[None]:
    """Turn what a damaged file of the store raises into a DlpulseError that says what to do."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise DlpulseError(f"a file of {folder} is damaged ({one_line(error)}); {mending(folder)}") from None


def _fits(stretch: Sequence[Batch], batch: Batch) -> bool:
    together = [*stretch, batch]
    return (
        len({one.source for one in together}) == 1
        and sum(len(one.runs) for one in together) <= MOST_RUNS
        and sum(one.bytes for one in together) <= MOST_BYTES
    )


def _parse(folder: Path, groups: Sequence[Sequence[Held]], held: Holdings, tell: Tell) -> bool:
    """Parse each group into a batch; False when a part was merged or compacted meanwhile, before it could be read."""
    parts = [{part for run in group for part in run.parts} for group in groups]
    total = len(set().union(*parts))
    done: set[Path] = set()
    whole = True
    tasks = [partial(_parse_group, folder, group, held.sources[group[0].source]) for group in groups]
    for number, was_whole in workers.results(tasks, here=total < PARTS_FOR_PROCESSES):
        whole &= was_whole
        done |= parts[number]
        tell(len(done), total)
    return whole


def _parse_group(folder: Path, group: Sequence[Held], others: Runs) -> bool:
    try:
        parsedbatch.parse(folder, group, others)
    except FileNotFoundError:
        return False
    return True
