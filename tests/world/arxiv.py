"""arXiv's query API as SOURCES describes it, over the papers of `tests.world.corpus`, recorded and generated.

The corpus gives the day of submission only; the hour served is 12:00 GMT, our choice. Counting requests (without
phrases) also see invented background papers: 200 in January 2010 and 10 more each month after it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from xml.sax.saxutils import escape

from tests.world.corpus import CATEGORIES, Paper, generated, recorded
from tests.world.reply import Reply, Request, as_text

LONGEST_PAGE = 2_000
MOST_RESULTS = 30_000
_PHRASE = re.compile(r'\b(ti|abs):"([^"]+)"')
_CATEGORY = re.compile(r"\bcat:([\w.-]+)")
_WINDOW = re.compile(r"submittedDate:\[(\d{12}) TO (\d{12})\]")
_FEED = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom" \
xmlns="http://www.w3.org/2005/Atom">
  <id>{id}</id>
  <title>{title}</title>
  <updated>{updated}</updated>
  <opensearch:itemsPerPage>{size}</opensearch:itemsPerPage>
  <opensearch:totalResults>{total}</opensearch:totalResults>
  <opensearch:startIndex>{start}</opensearch:startIndex>
{entries}</feed>
"""


class ArXiv:
    """The corpus and how it is asked; `now` (UTC without zone) is the feed's date."""

    def __init__(self, now: datetime, corpus: Path) -> None:
        self.now = now
        self.papers = recorded(corpus) + generated(now.date())
        self._counted, self._counts = 0, Counter[date]()
        self._found: dict[tuple[str, datetime, int], list[Paper]] = {}

    def at(self, now: datetime) -> None:
        """Move the clock: later generated papers come in."""
        self.papers += [paper for paper in generated(now.date()) if paper.submitted_on > self.now.date()]
        self.now = now

    def reply(self, request: Request) -> Reply:
        """Answer one request."""
        if request.path != "/api/query":
            return as_text(404, "Not Found")
        query = request.query
        text = query.get("search_query", "")
        start, size = query.get("start", "0"), query.get("max_results", "10")
        if not start.isdecimal() or not size.isdecimal() or int(size) > LONGEST_PAGE:
            return self._error("max_results must be a non-negative integer of at most 2000")
        if int(start) + int(size) > MOST_RESULTS:
            return self._error(f"start + max_results must not exceed {MOST_RESULTS}")
        if text.count("(") != text.count(")") or not (_CATEGORY.search(text) or _PHRASE.search(text)):
            return self._error(f"malformed query: {text}")
        found = self.find(text)
        if query.get("sortBy") == "submittedDate" and query.get("sortOrder") != "ascending":
            found.reverse()
        background = 0 if _PHRASE.search(text) else self._background(text)
        page = found[int(start) : int(start) + int(size)]
        if not page and int(start) < background and int(size):
            page = [_invented(int(start), self._window(text)[0])]
        return self._feed(text, len(found) + background, int(start), int(size), page)

    def find(self, query: str) -> list[Paper]:
        """Return the papers of the corpus that a query matches, oldest first."""
        asked = query, self.now, len(self.papers)
        if asked not in self._found:
            self._found[asked] = self._search(query)
        return list(self._found[asked])

    def _search(self, query: str) -> list[Paper]:
        first, last = self._window(query)
        phrases = _PHRASE.findall(query)
        categories = set(_CATEGORY.findall(query))
        matching = [
            paper
            for paper in self.papers
            if first <= paper.submitted_on <= last
            and (not categories or categories & set(paper.categories))
            and (not phrases or any(paper.names(field, phrase) for field, phrase in phrases))
        ]
        return sorted(matching, key=lambda paper: (paper.submitted_on, paper.arxiv_id))

    def month_total(self, month: date) -> int:
        """Return how many papers of the six categories a month has: the truth behind a counting request."""
        if self._counted != len(self.papers):
            ours = (paper for paper in self.papers if set(CATEGORIES) & set(paper.categories))
            self._counts = Counter(paper.submitted_on.replace(day=1) for paper in ours)
            self._counted = len(self.papers)
        return self._counts[month] + _invented_count(month)

    def _window(self, query: str) -> tuple[date, date]:
        match = _WINDOW.search(query)
        if match is None:
            return date.min, date.max
        first, last = (datetime.strptime(text, "%Y%m%d%H%M") for text in match.groups())
        return first.date(), min(last, self.now).date()

    def _background(self, query: str) -> int:
        first, last = self._window(query)
        months = (
            date(year, month, 1) for year in range(max(1991, first.year), last.year + 1) for month in range(1, 13)
        )
        return sum(_invented_count(month) for month in months if first.replace(day=1) <= month <= last)

    def _feed(self, query: str, total: int, start: int, size: int, papers: Iterable[Paper]) -> Reply:
        body = _FEED.format(
            id="https://arxiv.org/api/world",
            title=escape(f"arXiv Query: search_query={query}&start={start}&max_results={size}"),
            updated=f"{self.now:%Y-%m-%dT%H:%M:%SZ}",
            size=size,
            total=total,
            start=start,
            entries="".join(map(_entry, papers)),
        )
        return Reply(200, body.encode(), {"Content-Type": "application/atom+xml; charset=utf-8"})

    def _error(self, message: str) -> Reply:
        address = f"https://arxiv.org/api/errors#{'_'.join(message.split()[:4])}"
        entry = (
            f"  <entry>\n    <id>{escape(address)}</id>\n    <title>Error</title>\n"
            f"    <updated>{self.now:%Y-%m-%dT%H:%M:%SZ}</updated>\n    <summary>{escape(message)}</summary>\n"
            "    <author>\n      <name>arXiv api core</name>\n    </author>\n  </entry>\n"
        )
        body = _FEED.format(
            id="https://arxiv.org/", title="arXiv Search Results", updated=f"{self.now:%Y-%m-%dT%H:%M:%SZ}",
            size=1, total=1, start=0, entries=entry,
        )  # fmt: skip
        return Reply(400, body.encode(), {"Content-Type": "application/atom+xml; charset=utf-8"})


def _invented_count(month: date) -> int:
    return max(0, 200 + 10 * ((month.year - 2010) * 12 + month.month - 1))


def _invented(number: int, month: date) -> Paper:
    identifier = f"{month:%y%m}.{90_000 + number:05d}"
    return Paper(identifier, month, ("cs.LG",), f"Invented paper {number}", "It names nothing.")


def _entry(paper: Paper) -> str:
    moment = f"{paper.submitted_on}T12:00:00Z"
    categories = "".join(
        f'    <category term="{category}" scheme="http://arxiv.org/schemas/atom"/>\n' for category in paper.categories
    )
    return (
        f"  <entry>\n    <id>http://arxiv.org/abs/{paper.arxiv_id}v1</id>\n    <title>{escape(paper.title)}</title>\n"
        f"    <updated>{moment}</updated>\n"
        f'    <link href="https://arxiv.org/abs/{paper.arxiv_id}v1" rel="alternate" type="text/html"/>\n'
        f"    <summary>{escape(paper.abstract)}</summary>\n{categories}    <published>{moment}</published>\n"
        f'    <arxiv:primary_category term="{paper.categories[0]}"/>\n'
        "    <author>\n      <name>A. Author</name>\n    </author>\n  </entry>\n"
    )
