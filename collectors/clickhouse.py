"""How ClickHouse's public servers are asked over HTTP: one statement, its parameters bound, rows as JSON lines."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qsl, urlsplit

from collectors.asking import Host
from warehouse.settings import Settings


def host(settings: Settings) -> Host:
    """Return the server at DLPULSE_CLICKHOUSE_URL."""
    return Host("ClickHouse", settings.clickhouse_url)


def address(settings: Settings) -> str:
    """Return what of the address is asked and archived: its query has the user's name and perhaps a password."""
    return urlsplit(settings.clickhouse_url)._replace(query="", fragment="").geturl()


def query(settings: Settings, sql: str, **parameters: str) -> dict[str, str]:
    """Return what is sent: the address's own query, the statement, and the values of its {name:Type}."""
    own = parse_qsl(urlsplit(settings.clickhouse_url).query, keep_blank_values=True)
    bound = {f"param_{name}": value for name, value in parameters.items()}
    return {**dict(own), "query": sql, "default_format": "JSONEachRow", **bound}


def array(texts: Iterable[str]) -> str:
    """Write texts as ClickHouse's Array(String)."""
    escaped = (text.replace("\\", "\\\\").replace("'", "\\'") for text in texts)
    return "[" + ",".join(f"'{text}'" for text in escaped) + "]"
