"""What every part of the world is asked and answers with; no part knows the server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Request:
    """One request below a part's prefix: `path` without the prefix, `query` decoded, `base` the part's address."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    base: str = ""


@dataclass
class Reply:
    """An answer before faults befall it."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def as_json(status: int, content: Any, headers: Mapping[str, str] | None = None) -> Reply:
    """Answer with compact JSON."""
    body = json.dumps(content, separators=(",", ":")).encode()
    return Reply(status, body, {"Content-Type": "application/json; charset=utf-8", **(headers or {})})


def as_text(status: int, text: str, kind: str = "text/plain; charset=utf-8") -> Reply:
    """Answer with text."""
    return Reply(status, text.encode(), {"Content-Type": kind})
