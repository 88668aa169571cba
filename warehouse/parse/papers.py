"""arXiv's answers: Atom pages of papers, counts, and what imports kept. Pure: bytes in, typed rows out."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from warehouse.parse import fields
from warehouse.parse.tables import Rejected, Row
from warehouse.raw import RUN_END, RUN_START, Response

WINDOW_DONE = "window-done:"
# What `dlpulse import arxiv-snapshot` archives: lists of objects that are rows already.
SNAPSHOT_PAPERS, SNAPSHOT_COUNTS = "snapshot-papers", "snapshot-counts"
ARXIV_ID = r"\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7}"
_ATOM = "{http://www.w3.org/2005/Atom}"
_ARXIV = "{http://arxiv.org/schemas/atom}"
_OPENSEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"
_ABS = re.compile(rf"https?://arxiv\.org/abs/({ARXIV_ID})(?:v\d+)?")


@dataclass(frozen=True)
class Feed:
    """One page: how many papers match in all, the offset of this page, its papers' rows, and the raw answer's id."""

    total: int
    start: int
    papers: list[dict[str, Any]]
    response_id: str


def parse(response: Response) -> Iterator[Row]:
    """Yield `papers`, `paper_counts` or `paper_windows` rows; nothing for the start and end of a run.

    Raises:
        Rejected: the answer is not what arXiv's API manual promises, is its error entry, or is cut short.
    """
    if response.subject in (RUN_START, RUN_END):
        return
    origin = fields.origin(response)
    if response.subject.startswith(WINDOW_DONE):
        yield "paper_windows", {**origin, **_window(response)}
        return
    kind = response.params.get("kind")
    if kind == "window":
        yield from (("papers", {**origin, **paper}) for paper in feed(response).papers)
    elif kind == "count":
        yield (
            "paper_counts",
            {**origin, "month": fields.month(response.params.get("month")), "papers": _counted(response)},
        )
    elif kind == SNAPSHOT_PAPERS:
        yield from (("papers", {**origin, **row}) for row in _kept(response, _kept_paper))
    elif kind == SNAPSHOT_COUNTS:
        yield from (("paper_counts", {**origin, **row}) for row in _kept(response, _kept_count))
    else:
        raise Rejected(f"unknown kind {kind!r}")


def feed(response: Response) -> Feed:
    """Read one answer as a page of papers.

    Raises:
        Rejected: as for `parse`.
    """
    root = _root(response)
    entries = root.findall(f"{_ATOM}entry")
    for entry in entries:
        if _text(entry, f"{_ATOM}title") == "Error" or "/api/errors" in _text(entry, f"{_ATOM}id"):
            raise Rejected(f"arXiv's error: {_text(entry, f'{_ATOM}summary')[:200]}")
    if response.status != 200:
        raise Rejected(f"status {response.status}")
    total, start = _count(root, "totalResults"), _count(root, "startIndex")
    # arXiv's well-known flaw: a valid feed without entries, in the middle of the results.
    if start < total and not entries:
        raise Rejected(f"an empty page, although {total} papers match")
    return Feed(total, start, [_paper(entry, response) for entry in entries], response.response_id)


def _root(response: Response) -> ET.Element:
    try:
        root = ET.fromstring(response.body)
    except ET.ParseError:
        if response.status != 200:
            raise Rejected(f"status {response.status}: {response.body[:80].decode('utf-8', 'replace')}") from None
        raise Rejected("not XML (cut short, or a web page)") from None
    if root.tag != f"{_ATOM}feed":
        raise Rejected("not an Atom feed (a web page?)")
    return root


def _paper(entry: ET.Element, response: Response) -> dict[str, Any]:
    identifier = _text(entry, f"{_ATOM}id")
    match = _ABS.fullmatch(identifier)
    if match is None:
        raise Rejected(f"entry id {identifier!r} is not an arXiv paper")
    submitted_at = fields.instant(_text(entry, f"{_ATOM}published"), f"{identifier}: published")
    primary = entry.find(f"{_ARXIV}primary_category")
    categories = [category.get("term", "") for category in entry.findall(f"{_ATOM}category")]
    if primary is None or not categories:
        raise Rejected(f"{identifier}: has no category")
    return {
        "arxiv_id": match.group(1),
        "submitted_on": fields.past(submitted_at.date(), response, f"{identifier}: published"),
        "title": _text(entry, f"{_ATOM}title"),
        "abstract": _text(entry, f"{_ATOM}summary"),
        "primary_category": primary.get("term"),
        "categories": categories,
    }


def _text(element: ET.Element, path: str) -> str:
    return one_line(element.findtext(path) or "")


def one_line(text: str) -> str:
    """Return the text with runs of white space, with which arXiv breaks lines, made single spaces."""
    return " ".join(text.split())


def _count(root: ET.Element, name: str) -> int:
    text = _text(root, f"{_OPENSEARCH}{name}")
    return fields.wide_count(text, name)


def _counted(response: Response) -> int:
    total = feed(response).total
    # Six whole categories are never empty for a month: this is arXiv's empty answer, not a zero.
    if total == 0:
        raise Rejected("no papers at all in the machine-learning categories")
    return total


def _window(response: Response) -> dict[str, Any]:
    try:
        note = fields.object_of(response)
        answers = note.get("responses")
        return {
            "window_start": fields.day(note.get("from")),
            "window_end": fields.day(note.get("until")),
            "query": _query(note),
            "total": fields.count(note.get("total"), "total"),
            "received": fields.count(note.get("received"), "received"),
            "last_answer_id": str(answers[-1]) if answers and isinstance(answers, list) else None,
        }
    except Rejected as reason:
        raise Rejected(f"a finished window's note is malformed: {reason}") from None


def _query(note: dict[str, Any]) -> str:
    if not isinstance(query := note.get("query"), str):
        raise Rejected(f"query {query!r} is not a text")
    return query


def _kept(response: Response, read: Callable[[Any], dict[str, Any]]) -> list[dict[str, Any]]:
    """Read a list that an import archived; `read` makes a row of each of its entries."""
    try:
        return [read(entry) for entry in list(response.json())]
    except (KeyError, OverflowError, RecursionError, Rejected, TypeError, ValueError) as error:
        raise Rejected(f"what was kept of a snapshot is malformed: {error}") from None


def _kept_paper(entry: Any) -> dict[str, Any]:
    texts = {name: entry[name] for name in ("arxiv_id", "title", "abstract", "primary_category")}
    categories = list(entry["categories"])
    if not all(isinstance(text, str) for text in (*texts.values(), *categories)):
        raise ValueError("what should be a text is none")
    return {**texts, "submitted_on": fields.day(entry["submitted_on"]), "categories": categories}


def _kept_count(entry: Any) -> dict[str, Any]:
    return {"month": fields.month(entry["month"]), "papers": fields.count(entry["papers"], "papers")}
