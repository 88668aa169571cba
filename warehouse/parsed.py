"""Keeps the parsed store: what the parsers read out of the raw archive, as typed Parquet files. Disposable.

The runs of a source lie in batches whose spans of time do not meet, so that a repeated reading can be left out inside
a batch. When a run of an earlier time comes in, copied from another machine, the batch it falls into is parsed again
with it. A batch that the archive no longer bears out is dropped. Small neighbours are merged, and nothing is parsed.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import pyarrow as pa

from warehouse import parsedbatch, rawparts, starweeks, workers
from warehouse.errors import DlpulseError
from warehouse.files import write_parquet
from warehouse.parsedbatch import STORED, Batch, Held, Runs
from warehouse.query import one_line
from warehouse.raw import Archive

# A batch is closed at either; until then each new run costs one rewriting of it.
MOST_RUNS = 256
MOST_BYTES = 16 * 2**20
# From so many parts on, more processes are started: each costs about a second.
PARTS_FOR_PROCESSES = 400
_PARTS = "parts"
_PARTS_SCHEMA = pa.schema([("stem", pa.string()), ("part", pa.string())])

Tell = Callable[[int, int], None]
"""Told now and then how many of the new parts have been parsed."""


@dataclass(frozen=True)
class Parsed:
    """The folder of typed tables and how much of the archive was new to it."""

    folder: Path
    parts: int
    new_parts: int


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

    Cost: one listing of the archive; one read of each new run, once. Runs already parsed are not opened, also not after
    a compaction. Killed at any moment it leaves whole batches, which the next call goes on from. Answers that come in
    meanwhile wait for the next call.

    Raises:
        DlpulseError: a part is damaged, or the disk is full.
    """
    folder = home / "parsed" / version()
    _prepare(folder)
    together: list[frozenset[str]] = []
    new: set[Path] = set()
    while True:
        held = _Holdings.of(archive)
        batches = _true_batches(folder, held)
        groups = list(_groups(held, batches, together))
        new |= {part for group in groups for run in group for part in run.parts}
        whole = _parse(folder, groups, held, tell)
        together, meet = _meeting(folder, together)
        if whole and not meet:
            break
    _merge_small(folder, held)
    parsedbatch.sweep(folder, parsedbatch.load(folder))
    held.write_parts(folder / _PARTS / "parts.parquet")
    return Parsed(folder, len(held.parts), len(new & held.parts.keys()))


@dataclass(frozen=True)
class _Holdings:
    """What the archive holds at one moment: each source's runs by id, and the members to be read of each part."""

    sources: Mapping[str, dict[str, Held]]
    parts: Mapping[Path, frozenset[str]]

    @staticmethod
    def of(archive: Archive) -> _Holdings:
        sources: dict[str, dict[str, Held]] = {}
        parts: dict[Path, frozenset[str]] = {}
        for source in archive.sources():
            live = {part: stems for part, stems in archive.live(source).items() if stems}
            stems_of: dict[str, set[str]] = {}
            parts_of: dict[str, set[Path]] = {}
            for part, stems in live.items():
                for stem in stems:
                    run_id = rawparts.run_of(stem)
                    stems_of.setdefault(run_id, set()).add(stem)
                    parts_of.setdefault(run_id, set()).add(part)
            sources[source] = {
                run_id: Held(source, run_id, frozenset(stems_of[run_id]), tuple(sorted(parts_of[run_id])))
                for run_id in sorted(stems_of)
            }
            parts |= live
        return _Holdings(sources, parts)

    def goes_on(self, source: str, run_id: str) -> bool:
        """Whether the run is perhaps going on: the source's newest one without an end. Older ones were killed."""
        runs = self.sources[source]
        return not runs[run_id].is_whole and run_id == next(reversed(runs))

    def write_parts(self, path: Path) -> None:
        """Write which part holds each member: a whole run, or one answer of a run that has not ended."""
        rows = [(stem, f"{part.parent.name}/{part.name}") for part, stems in self.parts.items() for stem in stems]
        columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)] or [[], []]
        write_parquet(path, pa.table(columns, schema=_PARTS_SCHEMA))


def _prepare(folder: Path) -> None:
    """Give each table a file without rows, so that one without answers can be read; remove other versions' stores."""
    for table, schema in STORED.items():
        empty = folder / table / "_empty.parquet"
        if not parsedbatch.is_parquet(empty):
            write_parquet(empty, schema.empty_table())
    shutil.rmtree(folder / _PARTS, ignore_errors=True)  # written anew each time; a kill may have left it half done
    for other in folder.parent.iterdir():
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)


def _true_batches(folder: Path, held: _Holdings) -> list[Batch]:
    """Return the batches that the archive bears out; remove the others."""
    good = []
    for batch in parsedbatch.load(folder):
        if batch.is_true_of(held.sources.get(batch.source, {})):
            good.append(batch)
        else:
            parsedbatch.remove(folder, batch)
    return good


def _groups(held: _Holdings, batches: Iterable[Batch], together: Iterable[frozenset[str]]) -> Iterator[list[Held]]:
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


def _chunks(runs: Iterable[Held], held: _Holdings) -> Iterator[list[Held]]:
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


def _meeting(folder: Path, together: Iterable[frozenset[str]]) -> tuple[list[frozenset[str]], bool]:
    """Remove batches whose spans meet, as those of one run do that a killed merge left in two batches.

    Returns the runs that must lie together, and whether there were such batches.
    """
    groups, meet = list(together), False
    for stretch in _stretches(parsedbatch.load(folder)):
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


def _merge_small(folder: Path, held: _Holdings) -> None:
    """Merge neighbours as long as they stay small, but for a run that goes on."""
    stretch: list[Batch] = []
    for batch in sorted(parsedbatch.load(folder), key=lambda batch: (batch.source, batch.first)):
        if not _fits(stretch, batch) or any(held.goes_on(batch.source, run) for run in batch.runs):
            _merge(folder, stretch)
            stretch = []
        stretch.append(batch)
    _merge(folder, stretch)


def mending(folder: Path) -> str:
    """Say what to do about a damaged store: all of it comes from the raw archive."""
    return f"delete the folder {folder.parent}; `dlpulse build` makes it again"


def _merge(folder: Path, stretch: Sequence[Batch]) -> None:
    if len(stretch) > 1:
        try:
            parsedbatch.merge(folder, stretch)
        except (pa.ArrowException, OSError) as error:
            raise DlpulseError(f"a file of {folder} is damaged ({one_line(error)}); {mending(folder)}") from None


def _fits(stretch: Sequence[Batch], batch: Batch) -> bool:
    together = [*stretch, batch]
    return (
        len({one.source for one in together}) == 1
        and sum(len(one.runs) for one in together) <= MOST_RUNS
        and sum(one.bytes for one in together) <= MOST_BYTES
    )


def _parse(folder: Path, groups: Sequence[Sequence[Held]], held: _Holdings, tell: Tell) -> bool:
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
