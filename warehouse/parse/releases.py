"""GitHub's list of a repository's releases, a page at a time. Pure: bytes in, typed rows out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from warehouse.parse import fields
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
    origin = fields.origin(response, repo_id=response.subject)
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
    content = fields.json_of(response)
    if not isinstance(content, list):
        raise Rejected("a page of releases must be a list")
    seen: set[str] = set()
    for entry in content:
        values = _release(entry, response)
        if values and values["version"] not in seen:
            seen.add(values["version"])
            yield "releases", {**origin, **values}


def _release(entry: Any, response: Response) -> dict[str, Any] | None:
    if not isinstance(entry, dict):
        raise Rejected(f"a release must be an object, found {entry!r}")
    tag = entry.get("tag_name")
    if not isinstance(tag, str) or not tag:
        raise Rejected(f"tag_name {tag!r} is not a text")
    about = f"release {tag}:"
    if fields.flag(entry.get("draft"), f"{about} draft"):
        return None
    published_at = fields.instant(entry.get("published_at"), f"{about} published_at")
    return {
        "version": tag,
        "released_on": fields.past(published_at.date(), response, f"{about} published_at"),
        "is_prerelease": fields.flag(entry.get("prerelease"), f"{about} prerelease"),
    }
