"""How each source words its refusals, by status; what SOURCES does not tell is our choice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from tests.world.github import error
from tests.world.reply import Reply, as_json, as_text

_MESSAGES = {
    "429": "You have exceeded a secondary rate limit.",
    "403-secondary": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
    "403-primary": "API rate limit exceeded for 203.0.113.7.",
    "403": "Repository access blocked",
    "401": "Bad credentials",
    "404": "Not Found",
}
_CODES = {403: "AccessDenied", 404: "NoSuchKey", 429: "SlowDown", 503: "SlowDown"}
_PLAIN = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests", 503: "Unavailable"}
_EXCEPTIONS = {
    401: "516. DB::Exception: demo: Authentication failed. (AUTHENTICATION_FAILED)",
    403: "497. DB::Exception: demo: Not enough privileges. (ACCESS_DENIED)",
    404: "60. DB::Exception: Table does not exist. (UNKNOWN_TABLE)",
    429: "202. DB::Exception: Too many simultaneous queries. (TOO_MANY_SIMULTANEOUS_QUERIES)",
}


def refusal(source: str, kind: str, now: datetime) -> Reply:
    """Return the answer of the source below `/source` to a fault of that kind."""
    status = int(kind[:3])
    if source == "github":
        return error(status, _MESSAGES.get(kind, "Server Error"), _spent(now) if kind == "403-primary" else {})
    return _WORDS.get(source, _plain)(status)


def _spent(now: datetime) -> Mapping[str, str]:
    reset = int((now.replace(tzinfo=UTC) + timedelta(hours=1)).timestamp())
    return {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)}


def _plain(status: int) -> Reply:
    return as_text(status, _PLAIN.get(status, "Internal Server Error"))


def _arxiv(status: int) -> Reply:
    return as_text(status, "Rate exceeded." if status == 429 else _PLAIN.get(status, "Unavailable"))


def raw_github(status: int) -> Reply:
    """raw.githubusercontent.com: a line of text with the number."""
    return as_text(status, f"{status}: {_PLAIN.get(status, 'Internal Server Error')}")


def storage(status: int) -> Reply:
    """S3 and its like: XML with a code."""
    code = _CODES.get(status, "InternalError")
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{_PLAIN.get(status, code)}'
    return as_text(status, f"{text}</Message><RequestId>WORLD</RequestId></Error>", "application/xml")


def clickhouse(status: int) -> Reply:
    """ClickHouse: `Code: n. DB::Exception: …`."""
    return as_text(status, f"Code: {_EXCEPTIONS.get(status, '1001. DB::Exception: std::exception')}\n")


def stackexchange(status: int) -> Reply:
    """Stack Exchange: an error object; the server gzips it."""
    names = {401: "access_token_required", 403: "access_denied", 404: "no_method", 429: "throttle_violation"}
    name = names.get(status, "internal_error")
    return as_json(status, {"error_id": status, "error_name": name, "error_message": _PLAIN.get(status, name)})


_WORDS: Mapping[str, Callable[[int], Reply]] = {
    "arxiv": _arxiv,
    "ranking": raw_github,
    "surveys": raw_github,
    "conda": storage,
    "gharchive": storage,
    "clickhouse": clickhouse,
    "stackexchange": stackexchange,
}
