"""One scheduled dlpulse command: locked, logged, silent when well. Started by run.sh."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from warehouse.settings import default_home, utc_now

LOG_BYTES = 5_000_000


def main(arguments: Sequence[str]) -> int:
    """Run `dlpulse <arguments>`; return its exit code, 0 when the same command is still running."""
    if not arguments:
        print("usage: run.sh COMMAND [OPTION]…, as in run.sh collect --due", file=sys.stderr)
        return 2
    home = Path(os.environ.get("DLPULSE_HOME") or default_home()).expanduser()
    try:
        return _run(home, arguments)
    except OSError as error:
        print(f"cron: {home}: cannot be written: {error.strerror or error}")
        return 1


def _run(home: Path, arguments: Sequence[str]) -> int:
    (home / "locks").mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(home / "locks" / f"cron-{arguments[0]}.lock", timeout=0):
            done = subprocess.run(
                [sys.executable, "-P", "-m", "dlpulse", *arguments],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
    except Timeout:
        _log(home, f"{' '.join(arguments)}: still running, not started again\n")
        return 0
    _log(home, f"{' '.join(arguments)}: exit {done.returncode}\n{done.stdout}")
    if done.returncode:
        print(done.stdout, end="")
    return done.returncode


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
