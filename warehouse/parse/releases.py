"""GitHub's list of a repository's releases, a page at a time. Pure: bytes in, typed rows out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

from warehouse.parse.tables import Rejected, Row
from warehouse.raw import Response

# The `kind` of the collector's note that a repository's list was read, whose `pages` are ALL or NEWEST: up to a release
# that was known.
WHOLE = "whole"
ALL, NEWEST = "all", "newest"


def parse(response: Response) -> Iterator[Row]:
    """Yield `releases` rows, one per tag; drafts are none. Nothing for a 304's empty body.

    The collector's note that a list was read gives a row of `release_lists`; notes of early versions, which do not say
    how far, give none.

    Raises:
        Rejected: the answer is not what GitHub's API description (2026-03-10) promises.
    """
    origin = {"response_id": response.response_id, "fetched_at": response.fetched_at, "repo_id": response.subject}
    if response.status is None:
        yield from _list_read(response, origin)
    elif response.status != 304:
        yield from _page(response, origin)


def _list_read(response: Response, origin: dict[str, Any]) -> Iterator[Row]:
    params = response.params
    if params.get("kind") != WHOLE or "pages" not in params:
        return
    if params["pages"] not in (ALL, NEWEST):
        raise Rejected(f"pages {params['pages']!r} is neither {ALL} nor {NEWEST}")
    try:
        read_from = datetime.fromisoformat(params["read_from"])
    except (KeyError, TypeError, ValueError):
        raise Rejected(f"read_from {params.get('read_from')!r} is not an instant") from None
    yield "release_lists", {**origin, "read_from": read_from, "is_whole": params["pages"] == ALL}


def _page(response: Response, origin: dict[str, Any]) -> Iterator[Row]:
    if response.status != 200:
        raise Rejected(f"status {response.status}")
    try:
        content = response.json()
    except (ValueError, RecursionError):
        raise Rejected("not JSON (cut short, or a web page)") from None
    if not isinstance(content, list):
        raise Rejected("a page of releases must be a list")
    seen: set[str] = set()
    for entry in content:
        values = _release(entry)
        if values and values["version"] not in seen:
            seen.add(values["version"])
            yield "releases", {**origin, **values}


def _release(entry: Any) -> dict[str, Any] | None:
    if not isinstance(entry, dict):
        raise Rejected(f"a release must be an object, found {entry!r}")
    tag = entry.get("tag_name")
    if not isinstance(tag, str) or not tag:
        raise Rejected(f"tag_name {tag!r} is not a text")
    if _flag(entry, "draft", tag):
        return None
    published = entry.get("published_at")
    return {"version": tag, "released_on": _day(published, tag), "is_prerelease": _flag(entry, "prerelease", tag)}


def _flag(entry: dict[str, Any], key: str, tag: str) -> bool:
    value = entry.get(key)
    if not isinstance(value, bool):
        raise Rejected(f"release {tag}: {key} {value!r} is not true or false")
    return value


def _day(value: Any, tag: str) -> date:
    """Return the day, in UTC, of an instant with its zone."""
    try:
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is None:
            raise ValueError("without zone")
        return instant.astimezone(UTC).date()
    except (TypeError, ValueError, OverflowError):
        raise Rejected(f"release {tag}: published_at {value!r} is not an instant") from None
