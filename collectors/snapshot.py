"""`dlpulse import arxiv-snapshot`: Kaggle's bulk file of arXiv's metadata, reduced to what the API would have told.

Only papers of the six categories are looked at. The file is streamed: what is held in memory does not grow with it.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta
from email.utils import parsedate_to_datetime
from typing import IO, Any, cast

from collectors.base import Context, Outcome, Stopped
from collectors.bulk import InputFile, unpacked
from collectors.paperplan import (
    CATEGORIES,
    SETTLED_AFTER,
    Window,
    done_subject,
    month_window,
    phrases,
    read_asked,
    window_query,
)
from warehouse.errors import BadInputError
from warehouse.parse.papers import ARXIV_ID, SNAPSHOT_COUNTS, SNAPSHOT_PAPERS, one_line
from warehouse.raw import Response, Run
from warehouse.registry import Framework

# Raised when this module reads the same file differently.
VERSION = 1
CHUNK_BYTES = 2**20
# The longest line of the real file has some 100 KB; a longer one than this is read, and told, in pieces.
MOST_LINE_BYTES = 2**22
LINES_A_STEP = 2_000
# With more broken lines than this, or than one in a thousand, a month's count would be wrong.
FEW_BROKEN = 10
_ID = re.compile(ARXIV_ID)


@dataclass(frozen=True)
class Submission:
    """A paper of the snapshot: `submitted_on` is the day (GMT) of its first version, `numbered_in` its id's month."""

    arxiv_id: str
    submitted_on: date
    title: str
    abstract: str
    categories: tuple[str, ...]

    @property
    def numbered_in(self) -> date:
        """The first day of the month that the id names."""
        digits = self.arxiv_id.rpartition("/")[2]
        year = int(digits[:2])
        return date(year + (1900 if year > 90 else 2000), int(digits[2:4]), 1)

    @property
    def row(self) -> dict[str, Any]:
        """What is kept of it: the columns of `papers`."""
        return {
            "arxiv_id": self.arxiv_id,
            "submitted_on": str(self.submitted_on),
            "title": self.title,
            "abstract": self.abstract,
            "primary_category": self.categories[0],
            "categories": self.categories,
        }


def rules(context: Context) -> str:
    """Return a version with a digest of phrases and categories: what decides which papers are kept."""
    asked = [*CATEGORIES, "", *sorted(phrases(context.frameworks))]
    return f"{VERSION}.{hashlib.sha256(repr(asked).encode()).hexdigest()[:12]}"


def read(context: Context, run: Run, outcome: Outcome, file: InputFile) -> None:
    """Archive the papers that name a framework, each month's number of papers, and the days that they are whole for.

    Whole are the days from the first month of which the file has papers to the eighth day before its newest submission.
    A line that is none of the snapshot's is told, and stops nothing.

    Raises:
        BadInputError: no line is one of the snapshot's, or the packed file is damaged.
        Stopped: the user asked to stop.
    """
    reading = _Reading(context, run, outcome, file)
    with unpacked(file) as content:
        task = context.progress.add_task(file.name, total=_size(file, content))
        for number, line in enumerate(_lines(content)):
            reading.take(line)
            if number % LINES_A_STEP == 0:
                context.progress.update(task, completed=reading.bytes_read)
                if context.stop.is_set():
                    raise Stopped("stopped")
        context.progress.update(task, completed=reading.bytes_read)
    reading.finish()


def submission(line: bytes) -> Submission | None:
    """Read a line; None for a paper of other categories. Raises ValueError for what is no line of the snapshot."""
    try:
        paper = json.loads(line)
        identifier, categories = paper["id"], tuple(paper["categories"].split())
        title, abstract = one_line(paper["title"]), one_line(paper["abstract"])
        created = paper["versions"][0]["created"]
        if not _ID.fullmatch(identifier):
            raise ValueError("not an arXiv id")
        if not _CATEGORIES.intersection(categories):
            return None
        instant = parsedate_to_datetime(created)
        submitted_on = (instant.astimezone(UTC) if instant.tzinfo else instant).date()
    except (AttributeError, IndexError, KeyError, OverflowError, RecursionError, TypeError) as error:
        raise ValueError(str(error)) from None
    found = Submission(identifier, submitted_on, title, abstract, categories)
    found.numbered_in  # noqa: B018 (an id of a month 13 raises here)
    return found


_CATEGORIES = frozenset(CATEGORIES)


class Phrases:
    """Which texts hold a phrase as whole words, in any case: the papers that arXiv's API would give."""

    def __init__(self, wanted: Iterable[str]) -> None:
        texts = [one_line(phrase) for phrase in wanted]
        self._parts = [text.lower() for text in texts]
        self._pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, texts))})(?!\w)", re.IGNORECASE)

    def named_in(self, paper: Submission) -> bool:
        """Whether title or abstract holds any of them."""
        text = f"{paper.title}\n{paper.abstract}"
        lower = text.lower()
        # Most papers name nothing: a plain search is much cheaper than the pattern.
        return any(part in lower for part in self._parts) and self._pattern.search(text) is not None


@dataclass
class _Reading:
    """What has been read of a file so far."""

    context: Context
    run: Run
    outcome: Outcome
    file: InputFile
    bytes_read: int = 0
    good: int = 0
    broken: int = 0
    first_month: date = date.max
    newest: date = date.min
    papers: Counter[date] = field(default_factory=Counter)
    named: Counter[date] = field(default_factory=Counter)
    _kept: list[str] = field(default_factory=list)
    _chunk: list[dict[str, Any]] = field(default_factory=list)
    _chunk_bytes: int = 0

    def __post_init__(self) -> None:
        self.frameworks: list[Framework] = [one for one in self.context.frameworks if one.arxiv_query]
        self.today = self.context.settings.clock().date()
        self.asked = read_asked(self.context.archive, self.today)
        self.rules = rules(self.context)
        self.phrases = Phrases(phrases(self.frameworks))

    def take(self, line: bytes) -> None:
        """Count a line's paper, and keep it when it names a framework."""
        self.bytes_read += len(line)
        if line.isspace():
            return
        try:
            paper = submission(line)
            if paper is not None and paper.submitted_on > self.today:
                raise ValueError("submitted in the future")
        except ValueError:
            self.broken += 1
            return
        self.good += 1
        if paper is not None:
            self._count(paper)

    def _count(self, paper: Submission) -> None:
        self.first_month = min(self.first_month, paper.numbered_in)
        self.newest = max(self.newest, paper.submitted_on)
        self.papers[paper.submitted_on] += 1
        if self.phrases.named_in(paper):
            self.named[paper.submitted_on] += 1
            self.outcome.rows += 1
            self.outcome.new += paper.arxiv_id not in self.asked.papers
            self.asked.papers.add(paper.arxiv_id)
            self._chunk.append(paper.row)
            self._chunk_bytes += len(paper.title) + len(paper.abstract)
            if self._chunk_bytes > CHUNK_BYTES:
                self._keep_chunk()

    def finish(self) -> None:
        """Archive what is left; the last note says which days are whole, and that the file was read to its end."""
        if not self.good:
            raise BadInputError(
                f"{self.file.name}: no line of {self.broken:,} is one of arxiv-metadata-oai-snapshot.json: "
                "expected a JSON object a line, with id, title, abstract, categories and versions"
            )
        self._keep_chunk()
        whole = self._whole()
        counts = self._months(whole) if whole else []
        self._keep(f"snapshot:{SNAPSHOT_COUNTS}", SNAPSHOT_COUNTS, counts, last=whole is None)
        self.outcome.rows += len(counts)
        self.outcome.new += sum(date.fromisoformat(f"{one['month']}-01") not in self.asked.months for one in counts)
        if whole:
            self._note(whole)
        if self.broken:
            lines = f"{self.broken:,} of {self.broken + self.good:,} lines"
            self.outcome.noticed.append(f"{self.file.name}: {lines} cannot be read and were passed over")
        if not whole:
            self.outcome.noticed.append(f"{self.file.name}: its papers were kept, but no month of it counts as whole")

    def _whole(self) -> Window | None:
        """Return the days whose papers all stand in the file, or None."""
        if self.broken > max(FEW_BROKEN, self.good // 1000) or not self.papers or not self.frameworks:
            return None
        # Papers appear some days after their submission: those of the last days are not in the file yet.
        end = self.newest - SETTLED_AFTER - timedelta(days=1)
        return Window(self.first_month, end) if self.first_month <= end else None

    def _months(self, whole: Window) -> list[dict[str, Any]]:
        counts: Counter[date] = Counter()
        for day, papers in self.papers.items():
            counts[day.replace(day=1)] += papers
        return [
            {"month": f"{month:%Y-%m}", "papers": counts[month]}
            for month in sorted(counts)
            if whole.start <= month and month_window(month).end <= whole.end
        ]

    def _note(self, whole: Window) -> None:
        received = sum(papers for day, papers in self.named.items() if whole.start <= day <= whole.end)
        query = window_query(self.frameworks, whole)
        note = {"from": whole.start, "until": whole.end, "query": query, "total": received, "received": received}
        note["responses"] = self._kept
        self._keep(done_subject(whole), "snapshot-window", note, last=True)

    def _keep_chunk(self) -> None:
        if self._chunk:
            kept = self._keep(f"snapshot:{SNAPSHOT_PAPERS}", SNAPSHOT_PAPERS, self._chunk, last=False)
            self._kept.append(kept.response_id)
        self._chunk, self._chunk_bytes = [], 0

    def _keep(self, subject: str, kind: str, content: Any, *, last: bool) -> Response:
        params = {**self.file.params, "rules": self.rules, "kind": kind} | ({"last": True} if last else {})
        body = json.dumps(content, ensure_ascii=False, default=str).encode()
        return self.run.write(subject, body, url=self.file.address, params=params)


def _lines(content: IO[bytes]) -> Iterator[bytes]:
    # gzip's and zipfile's own readers give lines several times slower.
    reader = io.BufferedReader(cast(io.RawIOBase, content), 2**20)
    while line := reader.readline(MOST_LINE_BYTES):
        yield line


def _size(file: InputFile, content: IO[bytes]) -> int | None:
    """Return how many bytes there are to read; None where the packed file does not tell."""
    if isinstance(content, gzip.GzipFile):
        return None
    if isinstance(content, zipfile.ZipExtFile):
        with zipfile.ZipFile(file.path) as archive:
            return archive.getinfo(content.name).file_size
    return file.size
