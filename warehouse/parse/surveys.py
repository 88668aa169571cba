"""Counts made of survey files and of Papers with Code's links. Pure: JSON in, typed rows out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from warehouse.parse import fields
from warehouse.parse.tables import Rejected, Row
from warehouse.raw import RUN_END, RUN_START, Response

# The key of `params` by which a collector marks the first line of a file that it could not read, and says why.
FAULT = "fault"
SURVEYS = ("stackoverflow", "kaggle")
_EVERYBODY = "all respondents"


def parse(response: Response) -> Iterator[Row]:
    """Yield `survey_answers` rows, one an option and population, or `implementations` rows, one a month and label.

    Raises:
        Rejected: a host's answer (only the counts made of a file give facts), or counts that cannot be.
    """
    if response.subject in (RUN_START, RUN_END):
        return
    if response.status is not None:
        raise Rejected(response.params.get(FAULT) or f"status {response.status}")
    origin, content = fields.origin(response), _mapping(fields.json_of(response), "the counts")
    match response.params.get("kind"):
        case "stackoverflow" | "kaggle":
            yield from [("survey_answers", {**origin, **row}) for row in _answers(content)]
        case "paperswithcode":
            yield from [("implementations", {**origin, **row}) for row in _implementations(content)]
        case kind:
            raise Rejected(f"unknown kind {kind!r}")


def _answers(content: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    survey, year, asked, source_url = (content.get(key) for key in ("survey", "year", "asked", "source_url"))
    if survey not in SURVEYS:
        raise Rejected(f"unknown survey {survey!r}")
    if type(year) is not int or not 2000 <= year <= 2100:
        raise Rejected(f"year {year!r} is not a year")
    if not isinstance(asked, bool) or not isinstance(source_url, str):
        raise Rejected(f"asked {asked!r} or source_url {source_url!r} is malformed")
    populations = _mapping(content.get("populations"), "populations")
    if asked != bool(populations):
        raise Rejected(f"asked is {asked}, and yet there are {len(populations)} populations")
    about = {"survey": survey, "year": year, "asked": asked, "source_url": source_url}
    if not asked:
        yield {**about, "population": _EVERYBODY, "label": None, "respondents": None, "base": None}
    for name, counts in populations.items():
        for row in _counts(_mapping(counts, name), name):
            yield {**about, **row}


def _counts(counts: Mapping[str, Any], population: str) -> Iterator[dict[str, Any]]:
    base = fields.count(counts.get("base"), f"the base of {population}:")
    labels = _mapping(counts.get("labels"), f"the labels of {population}")
    if not base or not labels or not population:
        raise Rejected(f"nobody answered among {population!r}")
    for label, people in labels.items():
        respondents = fields.count(people, f"{label!r} among {population}:")
        if not label or respondents > base:
            raise Rejected(f"{respondents} of {base} {population} named {label!r}")
        yield {"population": population, "label": label, "respondents": respondents, "base": base}


def _implementations(content: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for month, labels in _mapping(content.get("months"), "months").items():
        first = fields.month(month)
        for label, repositories in _mapping(labels, month).items():
            found = fields.count(repositories, f"{label!r} in {month}:")
            yield {"label": label, "month": first, "repositories": found}


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Rejected(f"{what}: expected an object, found {type(value).__name__}")
    return value
