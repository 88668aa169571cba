"""One scheduled dlpulse command: spread over a minute, locked, logged, silent when well. Started by run.sh."""

from __future__ import annotations

import math
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from cron import alarm
from warehouse.settings import default_home, utc_now

LOG_BYTES = 5_000_000
JITTER = "DLPULSE_CRON_JITTER"
"""The variable for the longest wait before collecting, in seconds; a minute unless told."""


def main(arguments: Sequence[str]) -> int:
    """Run `dlpulse <arguments>`; return its exit code, 0 when the same command is still running."""
    if not arguments:
        print("usage: run.sh COMMAND [OPTION]…, as in run.sh collect --due", file=sys.stderr)
        return 2
    home = Path(os.environ.get("DLPULSE_HOME") or default_home()).expanduser()
    try:
        return _run(home, arguments)
    except OSError as error:
        said = f"cron: {home}: cannot be written: {error.strerror or error}"
        print(said)
        alarm.tell(" ".join(arguments), 1, said, print, os.environ)
        return 1


def _run(home: Path, arguments: Sequence[str]) -> int:
    (home / "locks").mkdir(parents=True, exist_ok=True)
    job = " ".join(arguments)
    if arguments[0] == "collect":
        # Many machines have the same minute; the sources should not see all of them in its first second.
        time.sleep(random.uniform(0, _seconds(os.environ.get(JITTER), 60.0)))
    try:
        with FileLock(home / "locks" / f"cron-{arguments[0]}.lock", timeout=0):
            done = subprocess.run(
                [sys.executable, "-P", "-m", "dlpulse", *arguments],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
    except Timeout:
        _log(home, f"{job}: still running, not started again\n")
        return 0
    _log(home, f"{job}: exit {done.returncode}\n{done.stdout}")
    alarm.tell(job, done.returncode, done.stdout, lambda text: _log(home, f"{job}: {text}\n"), os.environ)
    if done.returncode:
        print(done.stdout, end="")
    return done.returncode


def _seconds(text: str | None, otherwise: float) -> float:
    try:
        value = float(text or otherwise)
    except ValueError:
        return otherwise
    return value if 0 <= value < math.inf else otherwise


def _log(home: Path, text: str) -> None:
    """Append to `<home>/logs/cron.log`; the log before is kept as cron.log.1 once it has grown to LOG_BYTES."""
    log = home / "logs" / "cron.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_name("cron.log.1"))
    with log.open("a", encoding="utf-8") as file:
        file.write(f"{utc_now():%Y-%m-%dT%H:%M:%SZ} {text}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
