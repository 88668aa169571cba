"""Where the time of a star backfill goes, against a server without delay: HTTP, the disk, or dlpulse's own code."""

from __future__ import annotations

import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from github.Requester import Requester
from rich.console import Console
from rich.table import Table

from collectors.runner import collect
from warehouse.registry import load
from warehouse.settings import Settings, parse_instant

NOW = "2026-09-11T15:22:39"
ROUNDS = 7
# HTTP is the whole of PyGithub with its connection; the disk is what makes each answer durable before the next.
HTTP = ((Requester, "requestJson"),)
DISK = ((os, "fsync"), (Path, "open"), (Path, "replace"), (Path, "mkdir"), (Path, "unlink"))


@contextmanager
def world() -> Iterator[str]:
    """Yield the address of a test world that runs as a process of its own."""
    command = [sys.executable, "-m", "tests.world", "--now", NOW]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


@contextmanager
def timed(*places: tuple[Any, str]) -> Iterator[list[float]]:
    """Yield a list that grows by the seconds of each call of the named functions."""
    spent: list[float] = []

    def watch(function: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                spent.append(time.perf_counter() - began)

        return call

    with ExitStack() as patches:
        for owner, name in places:
            patches.enter_context(patch.object(owner, name, watch(getattr(owner, name))))
        yield spent


def backfill(address: str) -> tuple[int, dict[str, float]]:
    """Read every repository's whole life into a new home; returns the requests and the seconds by where they went."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        settings = Settings(
            home=home,
            raw=home / "raw",
            github_api=f"{address}/github",
            github_token="world-token",
            clock=lambda: parse_instant(NOW),
        )
        with timed(*HTTP) as http, timed(*DISK) as disk:
            began = time.perf_counter()
            outcome = collect(settings, load(settings), ["stars"], console=Console(file=io.StringIO()))[0]
            whole = time.perf_counter() - began
    if outcome.failed:
        raise SystemExit(f"the backfill failed: {outcome.failed}")
    return outcome.requests, {"HTTP": sum(http), "disk": sum(disk), "dlpulse": whole - sum(http) - sum(disk)}


def main() -> None:
    """Print the share of each, medians of the rounds after one to warm up."""
    with world() as address:
        backfill(address)
        rounds = [backfill(address) for _ in range(ROUNDS)]
    requests = rounds[0][0]
    table = Table("where", "ms", "share", "range", title=f"star backfill, {requests} requests, {ROUNDS} rounds")
    wholes = [sum(parts.values()) for _, parts in rounds]
    for where in rounds[0][1]:
        shares = [parts[where] / whole for (_, parts), whole in zip(rounds, wholes, strict=True)]
        spent = statistics.median(parts[where] for _, parts in rounds)
        spread = f"{min(shares):.0%} to {max(shares):.0%}"
        table.add_row(where, f"{1000 * spent:.0f}", f"{statistics.median(shares):.0%}", spread)
    Console().print(table)
