"""The sources by name. A source's module, with its client library, is imported when it is asked for."""

from __future__ import annotations

import importlib
from types import ModuleType

from collectors.base import Context, Outcome, Plan

SOURCES = ("stars", "ranking", "events", "papers", "surveys", "downloads", "questions", "releases")


def collect(source: str, context: Context) -> Outcome:
    """Ask one source and archive its answers."""
    outcome: Outcome = _module(source).collect(context)
    return outcome


def plan(source: str, context: Context) -> Plan:
    """Say what `collect` would ask now. Asks nothing but what the source gives for free, as GitHub's /rate_limit."""
    planned: Plan = _module(source).plan(context)
    return planned


def _module(source: str) -> ModuleType:
    return importlib.import_module(f"collectors.{source}")
