"""The journal: one JSON line an event in `<home>/logs/dlpulse.jsonl`, so that what happened can be told months later.

Each line has `at` (UTC), `run` (one command's own id), `command`, `event`, and what the event tells. People read the
terminal; this is for `jq` and DuckDB's read_json. Known secrets are taken out of every text, whoever says them.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from filelock import FileLock, Timeout

from warehouse.settings import Clock, Settings

FILE = "dlpulse.jsonl"
LARGEST_BYTES = 5_000_000
HIDDEN = "***"
_log = logging.getLogger(__name__)


def note(event: str, **told: Any) -> None:
    """Write an event with what it tells; nothing where no journal is kept, as in a library's use."""
    _log.info(event, extra={"told": told})


def keep(settings: Settings, command: str, others: Iterable[str] = ()) -> None:
    """Begin the journal of this process: a line for each later `note`.

    The settings' secrets, the passwords in their addresses, and `others` are hidden. A home that cannot be written has
    no journal, and nothing fails for that.
    """
    _log.setLevel(logging.INFO)
    _log.propagate = False  # people read the terminal
    for handler in [one for one in _log.handlers if isinstance(one, _Journal)]:
        _log.removeHandler(handler)
    hidden = [*_secrets_of(settings), *others]
    _log.addHandler(_Journal(settings.home / "logs" / FILE, command, hidden, settings.clock))


def _secrets_of(settings: Settings) -> list[str]:
    addresses = [str(value) for name, value in vars(settings).items() if name.endswith(("_api", "_base", "_url"))]
    passwords = [urlsplit(address).password for address in addresses]
    found = [settings.github_token, settings.stackexchange_key, *passwords, *(unquote(one) for one in passwords if one)]
    return [secret for secret in found if secret]


class _Journal(logging.Handler):
    """Appends events to a file, which is kept as `.1` once it is large. Opened for each event: events are few."""

    def __init__(self, path: Path, command: str, hidden: Iterable[str], clock: Clock) -> None:
        super().__init__()
        self._path, self._command, self._clock = path, command, clock
        # As they are and as they stand in addresses, the longest first: one may hold another.
        forms = {form for one in hidden if one for form in (one, quote(one, safe=""))}
        self._hidden = sorted(forms, key=len, reverse=True)
        self._run = secrets.token_hex(4)

    def emit(self, record: logging.LogRecord) -> None:
        head = {"at": f"{self._clock():%Y-%m-%dT%H:%M:%SZ}", "run": self._run, "command": self._command}
        line = json.dumps({**head, "event": record.getMessage(), **self._masked(getattr(record, "told", {}))})
        with suppress(OSError):  # a full disk or one that can only be read: the command itself says so
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._turn_over()
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")

    def _masked(self, value: Any) -> Any:
        """Return what JSON can hold of a value, its texts without secrets."""
        if isinstance(value, Mapping):
            return {str(key): self._masked(one) for key, one in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._masked(one) for one in value]
        if isinstance(value, float):
            return round(value, 3)
        if value is None or isinstance(value, bool | int):
            return value
        text = str(value)
        for secret in self._hidden:
            text = text.replace(secret, HIDDEN)
        return text

    def _turn_over(self) -> None:
        with suppress(FileNotFoundError, Timeout):
            if self._path.stat().st_size < LARGEST_BYTES:
                return
            with FileLock(self._path.with_suffix(".lock"), timeout=1):
                if self._path.stat().st_size >= LARGEST_BYTES:  # another process may have been first
                    self._path.replace(self._path.with_name(f"{FILE}.1"))
