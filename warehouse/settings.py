"""Everything a user can set, in one place. Read from the environment once, by the command, never at import."""

from __future__ import annotations

import dataclasses
import ipaddress
import math
import re
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs

from warehouse.errors import BadInputError

Clock = Callable[[], datetime]
ARXIV_API = "https://export.arxiv.org/api/query"
GITHUB_API = "https://api.github.com"
RANKING_BASE = "https://raw.githubusercontent.com/EvanLi/Github-Ranking/master/Data"
CLICKHOUSE_URL = "https://sql-clickhouse.clickhouse.com/?user=demo"
GHARCHIVE_BASE = "https://data.gharchive.org"
PYPISTATS_API = "https://pypistats.org/api"
CONDA_BASE = "https://anaconda-package-data.s3.amazonaws.com/conda"
STACKEXCHANGE_API = "https://api.stackexchange.com/2.3"
# Where GitHub serves the contents of Git LFS files; raw.githubusercontent.com would give the pointers.
SURVEY_BASE = "https://media.githubusercontent.com/media/StackExchange/Survey/main/packages/archive"
ARXIV_POLITE_SECONDS = 3.0
_ADDRESSES = ("_api", "_base", "_url")
_SECONDS = ("arxiv_delay", "timeout", "backoff", "max_wait")
# DuckDB reads the build's files by patterns, and knows no way to write these characters as themselves.
_PATTERN_SIGNS = "*?[]\\"


def utc_now() -> datetime:
    """Return the present instant in UTC, without zone: the form of every `_at` in the warehouse."""
    return datetime.now(UTC).replace(tzinfo=None)


def default_home() -> Path:
    """Return the platform's user data folder for dlpulse."""
    return Path(platformdirs.user_data_dir("dlpulse", appauthor=False))


def _setting(variable: str, help_text: str, default: Any = MISSING, **more: Any) -> Any:
    """A field that the command offers as an option, with its environment variable and help."""
    return field(default=default, metadata={"variable": variable, "help": help_text, **more})


@dataclass(frozen=True)
class Settings:
    """One run's settings: folders, addresses, waits (seconds) and the clock.

    The secrets are left out of `repr`, so that no log or traceback can show them.
    """

    home: Path = _setting("DLPULSE_HOME", "Where everything is kept. [default: the user data folder]")
    raw: Path = _setting("DLPULSE_RAW", "The raw archive. [default: HOME/raw]")
    registry_file: Path | None = _setting(
        "DLPULSE_REGISTRY",
        "Frameworks to use instead of the shipped ones and HOME/frameworks.toml.",
        None,
        option="--registry",
    )
    github_token: str | None = field(
        default=None,
        repr=False,
        metadata={
            "variable": "GITHUB_TOKEN",
            "help": "Any token: 5,000 GitHub calls an hour instead of 60. Set the variable rather than the option.",
        },
    )
    contact: str | None = _setting("DLPULSE_CONTACT", "Your address, told to the sources.", None)
    github_api: str = _setting("DLPULSE_GITHUB_API", "GitHub's API.", GITHUB_API)
    arxiv_api: str = _setting("DLPULSE_ARXIV_API", "arXiv's query API.", ARXIV_API)
    ranking_base: str = _setting(
        "DLPULSE_RANKING_BASE", "The folder of EvanLi/Github-Ranking's daily files.", RANKING_BASE
    )
    clickhouse_url: str = _setting(
        "DLPULSE_CLICKHOUSE_URL", "ClickHouse with GitHub's events and PyPI's downloads.", CLICKHOUSE_URL
    )
    gharchive_base: str = _setting("DLPULSE_GHARCHIVE_BASE", "GH Archive's hour files.", GHARCHIVE_BASE)
    pypistats_api: str = _setting("DLPULSE_PYPISTATS_API", "pypistats.org's API.", PYPISTATS_API)
    conda_base: str = _setting("DLPULSE_CONDA_BASE", "The folder of conda's package data.", CONDA_BASE)
    stackexchange_api: str = _setting("DLPULSE_STACKEXCHANGE_API", "Stack Exchange's API.", STACKEXCHANGE_API)
    stackexchange_key: str | None = field(
        default=None,
        repr=False,
        metadata={
            "variable": "DLPULSE_STACKEXCHANGE_KEY",
            "help": "A free key: 10,000 Stack Exchange calls a day instead of 300. Better set the variable.",
        },
    )
    survey_base: str = _setting(
        "DLPULSE_SURVEY_BASE", "The folder of Stack Overflow's yearly survey answers.", SURVEY_BASE
    )
    arxiv_delay: float = _setting(
        "DLPULSE_ARXIV_DELAY", "Seconds between arXiv requests.", ARXIV_POLITE_SECONDS, least=0
    )
    timeout: float = _setting("DLPULSE_TIMEOUT", "Seconds to wait for an answer.", 30.0, least=0.01)
    retries: int = _setting("DLPULSE_RETRIES", "How often to ask again.", 4, least=0)
    backoff: float = _setting("DLPULSE_BACKOFF", "Seconds before the first retry; doubles.", 5.0, least=0)
    max_wait: float = _setting("DLPULSE_MAX_WAIT", "The longest wait that a source may ask for.", 60.0, least=0)
    clock: Clock = utc_now

    def __post_init__(self) -> None:
        """Refuse what would fail later, and less clearly; raises BadInputError."""
        for name, variable in (("github_token", "GITHUB_TOKEN"), ("stackexchange_key", "DLPULSE_STACKEXCHANGE_KEY")):
            object.__setattr__(self, name, _clean_token(variable, getattr(self, name)))
        _check_printable("DLPULSE_CONTACT", self.contact or "")
        for one in dataclasses.fields(self):
            if one.name.endswith(_ADDRESSES):
                check_address(one.metadata["variable"], getattr(self, one.name))
        for name in _SECONDS:
            if not math.isfinite(getattr(self, name)):
                raise BadInputError(f"DLPULSE_{name.upper()}={getattr(self, name)} is not a number of seconds")
        if any(sign in str(self.home) for sign in _PATTERN_SIGNS):
            raise BadInputError(f"DLPULSE_HOME={self.home} is refused: its path must hold none of * ? [ ] \\")
        if is_arxiv(self.arxiv_api) and self.arxiv_delay < ARXIV_POLITE_SECONDS:
            raise BadInputError(
                f"DLPULSE_ARXIV_DELAY={self.arxiv_delay:g} is refused for arXiv's own hosts: "
                f"their terms ask for {ARXIV_POLITE_SECONDS:g} seconds between requests"
            )

    @property
    def database(self) -> Path:
        """The published DuckDB file."""
        return self.home / "dlpulse.duckdb"

    def check_raw(self) -> None:
        """Raise BadInputError when a raw archive was named and there is none; that of a new home may be absent."""
        if not self.raw.is_dir() and (self.raw.exists() or self.raw != self.home / "raw"):
            raise BadInputError(
                f"DLPULSE_RAW={self.raw} is no folder; name the raw archive, or let `dlpulse collect` make it"
            )

    @property
    def user_registry(self) -> Path:
        """The user's own frameworks, merged over the shipped ones."""
        return self.home / "frameworks.toml"

    @property
    def user_agent(self) -> str:
        """What dlpulse calls itself, with an address to write to when the user gave one."""
        contact = f"; {self.contact}" if self.contact else ""
        return f"dlpulse/0.1 (popularity of deep-learning frameworks{contact})"


def is_arxiv(address: str) -> bool:
    """Whether the address is one of arXiv's own hosts, for which its terms hold."""
    host = (urlsplit(address).hostname or "").rstrip(".")
    return host == "arxiv.org" or host.endswith(".arxiv.org")


def is_loopback(address: str) -> bool:
    """Whether the address is on this machine, as test servers are."""
    host = urlsplit(address).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def without_userinfo(address: str) -> str:
    """Return the address without `user:password@`: what may be shown and archived."""
    return re.sub(r"^([a-z]+://)?.*@", r"\1", address, flags=re.IGNORECASE | re.DOTALL)


def check_address(variable: str, address: str) -> None:
    """Raise BadInputError, naming `variable`, when the address is none that can be asked over HTTP."""
    try:
        parts = urlsplit(address)
        usable = parts.scheme.lower() in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port or an IPv6 address that is none
        usable = False
    if not usable or not address.isprintable() or " " in address:
        raise BadInputError(f"{variable} {without_userinfo(address)!r} is not an http(s) address with a host")


def _clean_token(variable: str, token: str | None) -> str | None:
    token = (token or "").strip()
    if not (token.isascii() and token.isprintable()):
        raise BadInputError(f"{variable} holds characters that no token has, such as a line break or an accent")
    return token or None


def _check_printable(variable: str, text: str) -> None:
    if not (text.isascii() and text.isprintable()):
        raise BadInputError(f"{variable} {text!r} must be printable ASCII: it is sent in a header")


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 instant as UTC without zone.

    Raises:
        BadInputError: when the text is not such an instant.
    """
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise BadInputError(f"{text!r} is not a date or time: expected for instance 2026-11-23T10:00:00Z") from None
    return instant.astimezone(UTC).replace(tzinfo=None) if instant.tzinfo else instant
