"""Builds the warehouse: raw archive, registry and cited facts into a new DuckDB file, checked, then published."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from filelock import AcquireReturnProxy, FileLock, Timeout
from rich.console import Console

from warehouse import inputs, journal, parsed
from warehouse.dbt_child import FAILURES
from warehouse.errors import DlpulseError
from warehouse.files import sync_folder
from warehouse.parsedbatch import RESPONSES, STORED
from warehouse.query import one_line, open_readonly
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


def build(settings: Settings, registry: Registry, *, even_if_smaller: bool = False) -> Built:
    """Build and publish `$DLPULSE_HOME/dlpulse.duckdb`; readers see the old file or the new one, never a part.

    Raises:
        DlpulseError: when a check fails (names rule and row), the disk is full, another build holds the lock for a
            minute, or, without `even_if_smaller`, the archive holds fewer than half of the published answers. Nothing
            is published then.
    """
    try:
        built = _built(settings, registry, even_if_smaller=even_if_smaller)
    except DlpulseError as error:
        journal.note("build failed", why=str(error))
        raise
    journal.note("published", **vars(built))
    return built


def _built(settings: Settings, registry: Registry, *, even_if_smaller: bool) -> Built:
    started = time.monotonic()
    work = settings.home / "build"
    phases: dict[str, float] = {}
    with _one_builder(settings.home):
        if settings.database.is_dir():
            raise DlpulseError(f"nothing was built: {settings.database} is a folder; move it away")
        for left in ("new", "inputs"):  # perhaps of a killed build
            shutil.rmtree(work / left, ignore_errors=True)
        with _timed(phases, "parse"), _telling() as tell:
            known = parsed.refresh(Archive(settings.raw), settings.home, tell)
            if not even_if_smaller:
                _refuse_smaller(settings, known.folder)
            inputs.write(registry, work / "inputs")
        if known.damaged:
            _warn_of_damage(known.damaged)
        file = work / "new" / "dlpulse.duckdb"
        file.parent.mkdir(parents=True)
        with _timed(phases, "dbt"):
            _run_dbt(settings.home, file, known.folder)
        with _timed(phases, "publish"):
            _finish(file)
            _publish(file, settings.database)
    return Built(settings.database, known.parts, known.new_parts, time.monotonic() - started, phases)


def _warn_of_damage(parts: Sequence[Path]) -> None:
    """Say that what was parsed of the parts is all that there is, and what to do."""
    more = f" (and {len(parts) - 1} more)" if len(parts) > 1 else ""
    print(
        f"dlpulse: raw part {parts[0]} is damaged{more}; the build goes on with what was parsed of it before. "
        "Leave it in place and put a sound copy over it; `dlpulse raw verify` names all that is damaged",
        file=sys.stderr,
        flush=True,
    )


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
        with _waiting(FileLock(home / "build.lock")):
            yield
    except Timeout:
        raise DlpulseError(f"another build of {home} is running for more than {LOCK_WAIT_SECONDS:g} s") from None
    except OSError as error:
        raise DlpulseError(f"cannot build in {home}: {error.strerror or error}") from None
    except duckdb.Error as error:  # the disk is full when all is done but the last flush
        raise DlpulseError(f"cannot build in {home}: {one_line(error)}") from None


def _waiting(lock: FileLock) -> AcquireReturnProxy[Any]:
    """Take the lock; when another build holds it, say so at once and wait."""
    try:
        return lock.acquire(timeout=0)
    except Timeout:
        print("dlpulse: waiting for the build that is running", file=sys.stderr, flush=True)
        return lock.acquire(timeout=LOCK_WAIT_SECONDS)


def _refuse_smaller(settings: Settings, folder: Path) -> None:
    """Raise DlpulseError when the archive holds so little of what was published that it is hardly the same archive."""
    published = _published_answers(settings.database)
    if not published:
        return
    import pyarrow.dataset as ds  # it loads pandas: a third of a second that the other commands need not wait

    stored = ds.dataset(folder / RESPONSES, schema=STORED[RESPONSES], format="parquet")
    try:
        answers = stored.to_table(columns=["response_id"], filter=ds.field("status").is_valid())
    except (pa.ArrowException, OSError) as error:
        raise DlpulseError(f"a file of {folder} is damaged ({one_line(error)}); {parsed.mending(folder)}") from None
    found = pc.count_distinct(answers["response_id"]).as_py()
    if 2 * found < published:
        raise DlpulseError(
            f"nothing was published: {settings.raw} holds {found:,} answers, {settings.database} was made of "
            f"{published:,}; check DLPULSE_RAW, or publish less by `dlpulse build --even-if-smaller`"
        )


def _published_answers(database: Path) -> int:
    """Return of how many collected answers the published file was made; 0 when there is none or it is damaged."""
    sql = "select count(*) from meta_responses where status is not null and source <> 'cited'"
    with suppress(DlpulseError, duckdb.Error), open_readonly(database) as connection:
        (published,) = connection.execute(sql).fetchone() or (0,)
        return int(published)
    return 0


def _publish(file: Path, database: Path) -> None:
    """Let the new file take the old one's place.

    A log beside the old one, of a program that wrote to it, would make the new one unreadable. It goes first: the old
    file without it is as it was published, so a kill in between leaves a file that can be read.
    """
    log = database.with_name(f"{database.name}.wal")
    if log.exists():
        stale = log.with_name(f"{log.name}.stale")
        log.replace(stale)
        sync_folder(database.parent)
        print(
            f"dlpulse: a program wrote to {database}; what it wrote is not in the new one: {stale}",
            file=sys.stderr,
        )
    file.replace(database)
    sync_folder(database.parent)


def _run_dbt(home: Path, file: Path, parsed_folder: Path) -> None:
    target, failures = home / "build" / "target", home / "build" / "failures.json"
    # dbt works in the home, and the paths that it compiles are relative to it: what it parsed of the project stays good
    # when the home is moved or copied, and no letter of the home's path gets into SQL.
    there = parsed_folder.relative_to(home).as_posix()
    environment = {
        # Its descriptions of the whole project would cost a sixth of a build; what failed is told by the child.
        "DBT_WRITE_JSON": "false",
        **os.environ,
        FAILURES: str(failures),
        "DLPULSE_PARSED": there,
        "DO_NOT_TRACK": "1",
        "PYTHONWARNINGS": "ignore",
    }
    folders = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(target)]
    # -P: a file in the home that is named like a module must not be run.
    command = [sys.executable, "-P", "-m", "warehouse.dbt_child", "run", *folders]
    command += ["--log-path", str(home / "build" / "logs"), "--log-level", "warn", "--no-version-check"]
    failures.unlink(missing_ok=True)
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, env=environment, cwd=home, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True
    ) as child:
        output = child.stdout.read() if child.stdout else ""
    if child.returncode:
        reason = _reason(failures, file, output)
        # DuckDB's words on a damaged file often name neither the file nor the damage.
        full = os.strerror(errno.ENOSPC) in output
        if not full and (damaged := parsed.unreadable(parsed_folder)):
            raise DlpulseError(f"nothing was published: {damaged} is damaged; {parsed.mending(parsed_folder)}")
        raise DlpulseError(f"nothing was published: {reason.replace(there, str(parsed_folder))}")


def _reason(failures: Path, file: Path, output: str) -> str:
    """Say which model failed, and why."""
    if os.strerror(errno.ENOSPC) in output:
        return f"the disk that holds {file.parent} is full"
    try:
        failed = json.loads(failures.read_text("utf-8"))
    except (OSError, ValueError):
        return f"dbt did not run: {_shortened(output)}"
    if not failed:
        return f"dbt failed: {_shortened(output)}"
    first = failed[0]
    what = "a rule or macro" if "on-run-end" in first["name"] else f"model {first['name']}"
    return f"{what} failed: {_shortened(first['message'] or '')}"


def _shortened(text: str) -> str:
    """The end of dbt's words in one line; all of them stand in the build's log."""
    words = " ".join(text.split())
    return words if len(words) <= MESSAGE_LENGTH else f"… {words[-MESSAGE_LENGTH:]}"


def _check_rules(connection: duckdb.DuckDBPyConnection) -> None:
    """Raise DlpulseError for the first rule that does not hold, with the first row that breaks it."""
    broken = connection.execute("select rule, broken_by, first_row from intermediate.broken_rules").fetchone()
    if broken:
        rule, rows, row = broken
        raise DlpulseError(f"nothing was published: rule {rule} is broken by {rows} rows, the first: {row}")


def _finish(file: Path) -> None:
    """Check the rules; drop what only the build needs, so that the file holds tables and macros alone; flush it."""
    with duckdb.connect(str(file)) as connection:
        _check_rules(connection)
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
