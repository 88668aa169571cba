"""Runs dbt as a child that ends when its parent does: the parent holds the other end of standard input."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

FAILURES = "DLPULSE_BUILD_FAILURES"
"""The variable that names the file for what failed; it is written whenever dbt ran, also when nothing failed."""
_FAILED = ("error", "runtime error")


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(3)


def main() -> int:
    """Run dbt with this process's arguments; returns 0 when every model was made."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from dbt.cli.main import dbtRunner

    told = dbtRunner().invoke(sys.argv[1:])
    if told.result is not None:
        Path(os.environ[FAILURES]).write_text(json.dumps(_failures(told.result)), "utf-8")
    return 0 if told.success else 1


def _failures(results: Any) -> list[dict[str, Any]]:
    """Return name and message of each model that failed, in dbt's order."""
    return [{"name": one.node.name, "message": one.message} for one in results if one.status in _FAILED]


if __name__ == "__main__":
    sys.stdout.flush()
    os._exit(main())
