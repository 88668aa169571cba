"""Starts Streamlit's server, and imports meanwhile what every page needs: the first reader would wait for it.

`python -m dashboards.server ARGUMENT…` takes what `streamlit` takes.
"""

from __future__ import annotations

import importlib
import sys
import threading

LIBRARIES = ("pandas", "duckdb", "altair")


def main() -> None:
    """Serve until stopped."""
    threading.Thread(target=_import_libraries, daemon=True).start()
    from streamlit.web.cli import main as streamlit

    streamlit(prog_name="streamlit", args=sys.argv[1:])


def _import_libraries() -> None:
    for name in LIBRARIES:
        importlib.import_module(name)


if __name__ == "__main__":
    main()
