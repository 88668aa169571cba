"""What the archived answers say of each repository's list of releases. No network."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from warehouse.parse import Rejected, Row, rows_of
from warehouse.parse.releases import ALL, WHOLE
from warehouse.raw import Archive, Response

# Old releases are changed or withdrawn now and then: all pages are read again after this time.
REREAD_AFTER = timedelta(days=90)


@dataclass
class Known:
    """What earlier answers said of one repository.

    `pages` are those read since the list's head was last seen changed, and when; none once the list is read.
    `complete` are the versions known when it was read to its end, or to a release known before, with the head
    `read_of`; `whole_at` is when all its pages were last read.
    """

    head: Response | None = None
    read_at: datetime = datetime.min
    on_head: int = 0
    pages: dict[int, datetime] = field(default_factory=dict)
    versions: set[str] = field(default_factory=set)
    complete: set[str] = field(default_factory=set)
    whole_at: datetime = datetime.min
    read_of: str | None = None

    def learn(self, response: Response, rows: list[Row]) -> int:
        """Take in an accepted page or our note that the list was read; returns how many versions were not known."""
        if response.params.get("kind") == WHOLE:
            self.read_of = response.params["of"]
            self.complete, self.pages = set(self.versions), {}
            if response.params.get("pages") == ALL:
                self.whole_at = response.fetched_at
            return 0
        page = response.params["page"]
        if page == 1:
            self.read_at = response.fetched_at
        if response.status != 200:
            return 0
        if page == 1:
            if self.head is None or self.head.body_sha256 != response.body_sha256:
                self.pages = {}
            self.head, self.on_head = response, len(rows)
        self.pages[page] = response.fetched_at
        before = len(self.versions)
        self.versions.update(row["version"] for _, row in rows)
        return len(self.versions) - before

    def is_fresh(self, now: datetime) -> bool:
        """Whether all pages were read, not too long ago."""
        return now - self.whole_at < REREAD_AFTER

    def is_settled(self, now: datetime, settled: datetime | None) -> bool:
        """Whether the list was read, and its newest page asked since the instant `settled`."""
        return self.is_read(now) and settled is not None and self.read_at >= settled

    def is_read(self, now: datetime) -> bool:
        """Whether nothing but a change of the newest page can tell more; a run may have ended after asking it."""
        return bool(self.head and self.head.response_id == self.read_of and self.is_fresh(now))

    def whole_head(self, now: datetime) -> Response | None:
        """Return the newest page if a 304 may confirm it. An empty list may be a fault, and is always asked anew."""
        return self.head if self.is_read(now) and self.on_head else None


def read_known(archive: Archive) -> dict[str, Known]:
    """Read the archived answers of the source, by registry name of the repository; rejected ones tell nothing."""
    known: dict[str, Known] = {}
    for response in archive.responses("releases"):
        if "kind" in response.params:
            try:
                rows = rows_of(response)
            except Rejected:
                continue
            known.setdefault(response.subject, Known()).learn(response, rows)
    return known
