"""Builds the warehouse: raw archive, registry and cited facts into a new DuckDB file, checked, then published."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock, Timeout
from rich.console import Console

from warehouse import inputs, parsed
from warehouse.errors import DlpulseError
from warehouse.files import sync_folder
from warehouse.raw import Archive
from warehouse.registry import Registry
from warehouse.settings import Settings

PROJECT = Path(__file__).with_name("dbt")
LOCK_WAIT_SECONDS = 60.0
MESSAGE_LENGTH = 400
_TEMPORARY_SCHEMAS = ("staging", "intermediate")


@dataclass(frozen=True)
class Built:
    """What a build did: the published file, how many parts it knows, how many were new, and seconds taken.

    `phases` says where the seconds went: parse, dbt, publish.
    """

    database: Path
    parts: int
    new_parts: int
    took_s: float
    phases: Mapping[str, float] = field(default_factory=dict)


def build(settings: Settings, registry: Registry) -> Built:
    """Build and publish `$DLPULSE_HOME/dlpulse.duckdb`; readers see the old file or the new one, never a part.

    Raises:
        DlpulseError: when a check fails (names rule and row), the disk is full, or another build holds the lock for
            a minute. Nothing is published then.
    """
    started = time.monotonic()
    work = settings.home / "build"
    phases: dict[str, float] = {}
    with _one_builder(settings.home):
        shutil.rmtree(work / "new", ignore_errors=True)
        with _timed(phases, "parse"), _telling() as tell:
            known = parsed.refresh(Archive(settings.raw), settings.home, tell)
            inputs.write(registry, work / "inputs")
        file = work / "new" / "dlpulse.duckdb"
        file.parent.mkdir(parents=True)
        with _timed(phases, "dbt"):
            _run_dbt(settings.home, file, known.folder)
        with _timed(phases, "publish"):
            _finish(file)
            file.replace(settings.database)
            sync_folder(settings.home)
    return Built(settings.database, known.parts, known.new_parts, time.monotonic() - started, phases)


@contextmanager
def _timed(phases: dict[str, float], name: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    phases[name] = time.monotonic() - started


@contextmanager
def _telling() -> Iterator[parsed.Tell]:
    """Yield what says on a terminal how far the parsing is; elsewhere it says nothing."""
    with Console(stderr=True).status("reading the raw archive") as status:
        yield lambda done, total: status.update(f"parsing {done:,} of {total:,} parts")


@contextmanager
def _one_builder(home: Path) -> Iterator[None]:
    try:
        home.mkdir(parents=True, exist_ok=True)
        with FileLock(home / "build.lock", timeout=LOCK_WAIT_SECONDS):
            yield
    except Timeout:
        raise DlpulseError(f"another build of {home} is running for more than {LOCK_WAIT_SECONDS:g} s") from None
    except OSError as error:
        raise DlpulseError(f"cannot build in {home}: {error.strerror or error}") from None


def _run_dbt(home: Path, file: Path, parsed_folder: Path) -> None:
    target = home / "build" / "target"
    environment = {
        **os.environ,
        "DLPULSE_BUILD_FILE": str(file),
        "DLPULSE_PARSED": _quoted(parsed_folder),
        "DLPULSE_INPUTS": _quoted(home / "build" / "inputs"),
        "DO_NOT_TRACK": "1",
        "PYTHONWARNINGS": "ignore",
    }
    folders = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(target)]
    # -P: a file in the user's folder that is named like a module must not be run.
    command = [sys.executable, "-P", "-m", "warehouse.dbt_child", "build", *folders]
    # Unit tests try the models on invented rows: they judge the code, not this build's data.
    command += ["--exclude-resource-type", "unit_test"]
    command += ["--log-path", str(home / "build" / "logs"), "--log-level", "warn", "--no-version-check"]
    (target / "run_results.json").unlink(missing_ok=True)
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as child:
        output = child.stdout.read() if child.stdout else ""
    if child.returncode:
        raise DlpulseError(f"nothing was published: {_reason(target, file, output)}")


def _quoted(path: Path) -> str:
    """The path inside a quoted SQL text that dbt-duckdb passes through `str.format`."""
    return str(path).replace("'", "''").replace("{", "{{").replace("}", "}}")


def _reason(target: Path, file: Path, output: str) -> str:
    """Say which rule or model failed and, for a rule, the first row that broke it."""
    if os.strerror(errno.ENOSPC) in output:
        return f"the disk that holds {file.parent} is full"
    try:
        results = json.loads((target / "run_results.json").read_text("utf-8"))["results"]
    except (OSError, ValueError):
        return f"dbt did not run: {_shortened(output)}"
    failed = [result for result in results if result["status"] in ("error", "fail", "runtime error")]
    if not failed:
        return f"dbt failed: {_shortened(output)}"
    name = failed[0]["unique_id"].split(".")[2]
    if failed[0]["status"] != "fail":
        return f"model {name} failed: {_shortened(failed[0]['message'] or '')}"
    return f"rule {name} is broken by {failed[0]['failures']} rows, the first: {_first_row(failed[0], file)}"


def _shortened(text: str) -> str:
    """The end of dbt's words in one line; all of them stand in the build's log."""
    words = " ".join(text.split())
    return words if len(words) <= MESSAGE_LENGTH else f"… {words[-MESSAGE_LENGTH:]}"


def _first_row(result: dict[str, Any], file: Path) -> str:
    with duckdb.connect(str(file)) as connection:
        cursor = connection.execute(result["compiled_code"])
        row = cursor.fetchone() or ()
        columns = [column[0] for column in cursor.description or ()]
        return ", ".join(f"{name}={value}" for name, value in zip(columns, row, strict=False))


def _finish(file: Path) -> None:
    """Drop what only the build needs, so that the file holds tables and macros alone; flush it to disk."""
    with duckdb.connect(str(file)) as connection:
        for schema in _TEMPORARY_SCHEMAS:
            connection.execute(f"drop schema if exists {schema} cascade")
        connection.execute("checkpoint")
    if file.with_name(f"{file.name}.wal").exists():
        raise DlpulseError(f"nothing was published: {file} was not flushed")
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
