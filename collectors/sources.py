"""The sources by name. A source's module, with its client library, is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from collectors.base import Context, Outcome

Collect = Callable[[Context], Outcome]


def _stars(context: Context) -> Outcome:
    from collectors import stars

    return stars.collect(context)


def _papers(context: Context) -> Outcome:
    from collectors import papers

    return papers.collect(context)


def _surveys(context: Context) -> Outcome:
    from collectors import surveys

    return surveys.collect(context)


SOURCES: Mapping[str, Collect] = MappingProxyType({"stars": _stars, "papers": _papers, "surveys": _surveys})
