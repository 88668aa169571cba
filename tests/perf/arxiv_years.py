"""Invented arXiv pages for the archive of years: papers that name frameworks, in the form of arXiv's Atom feed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import NamedTuple

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom" '
    'xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom">'
    "<opensearch:totalResults>{total}</opensearch:totalResults><opensearch:startIndex>0</opensearch:startIndex>"
)
_ENTRY = (
    "<entry><id>http://arxiv.org/abs/{id}v1</id><title>{title}</title><published>{day}T10:00:00Z</published>"
    '<summary>{abstract}</summary><arxiv:primary_category term="cs.LG"/><category term="cs.LG"/></entry>'
)
_FILLER = "We train a network on images and report what we found with care and at some length. " * 12
PAPERS_A_DAY = 12


class Paper(NamedTuple):
    """A paper as a page tells it."""

    arxiv_id: str
    day: date
    title: str
    abstract: str


def papers_of(random: Random, names: Sequence[str], first: date, last: date) -> list[Paper]:
    """Return a window's papers; the same day gives the same papers whenever it is asked."""
    papers = []
    for offset in range((last - first).days + 1):
        day = first + timedelta(offset)
        own = Random(day.toordinal())
        for number in range(PAPERS_A_DAY):
            name = own.choice(names)
            identifier = f"{day:%y%m}.{day.day * 100 + number:05d}"
            papers.append(Paper(identifier, day, f"On learning, part {number}", f"{_FILLER} Built with {name}."))
    return papers


def atom_page(papers: Sequence[Paper]) -> bytes:
    """Return one page that holds all of them."""
    entries = (_ENTRY.format(id=id, title=title, day=day, abstract=abstract) for id, day, title, abstract in papers)
    return f"{_HEAD.format(total=len(papers))}{''.join(entries)}</feed>".encode()


def count_feed(total: int) -> bytes:
    """Return the answer to a question of which only the total is wanted: one entry of it."""
    entry = _ENTRY.format(id="2611.00001", title="A paper", day="2026-11-01", abstract="An abstract.")
    return f"{_HEAD.format(total=total)}{entry}</feed>".encode()
