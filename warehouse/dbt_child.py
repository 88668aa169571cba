"""Runs dbt as a child that ends when its parent does: the parent holds the other end of standard input."""

from __future__ import annotations

import os
import sys
import threading


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(3)


def main() -> int:
    """Run dbt with this process's arguments; returns 0 when every model and test passed."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from dbt.cli.main import dbtRunner

    return 0 if dbtRunner().invoke(sys.argv[1:]).success else 1


if __name__ == "__main__":
    sys.stdout.flush()
    os._exit(main())
