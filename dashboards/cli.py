"""`dlpulse dashboard` serves the pages from a child process, to this machine alone; `dlpulse report` writes them."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from warehouse.errors import DlpulseError
from warehouse.settings import Settings

APP = Path(__file__).with_name("app.py")
HOST, PORT = "127.0.0.1", 8501
_NEEDED = {"streamlit": "Streamlit", "altair": "Altair", "vl_convert": "vl-convert", "jinja2": "Jinja2"}


def dashboard(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on; the default serves this machine only.")] = HOST,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = PORT,
) -> None:
    """Show the published database in the browser, until Ctrl-C."""
    raise typer.Exit(serve(context.obj, host, port))


def report(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder, or an earlier report.")],
) -> None:
    """Write the dashboard's figures as one HTML page (DIR/index.html) with a PNG and a CSV file of each.

    The page needs no network, no script and no server: mail it, or put the folder on any static host.
    An earlier report in DIR is replaced as a whole.
    """
    settings: Settings = context.obj
    _check_installed(*_NEEDED)
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from streamlit.logger import set_log_level

    # What Streamlit says of caching without a server is no news to anybody.
    set_log_level("error")
    from dashboards import report as reports

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("report", total=None)

        def tell(name: str, done: int, figures: int) -> None:
            progress.update(task, description=name, completed=done, total=figures)

        names = reports.write(settings.database, folder, tell)
    print(f"wrote {folder / reports.INDEX} with {len(names) // 2} figures")


def serve(settings: Settings, host: str = HOST, port: int = PORT) -> int:
    """Print the dashboard's address on stdout and serve it until it is stopped; returns Streamlit's exit code.

    Raises:
        DlpulseError: when Streamlit is not installed or the port cannot be had.
    """
    _check_installed("streamlit")
    _check_port(host, port)
    print(f"Dashboard: http://{f'[{host}]' if ':' in host else host}:{port}", flush=True)
    return _wait(subprocess.Popen(command(host, port), env=environment(settings), stdout=subprocess.DEVNULL))


def command(host: str, port: int) -> list[str]:
    """Return the child's command line; the rest of the configuration lies beside app.py in .streamlit/config.toml."""
    return [
        sys.executable,
        # Without it, Python would run modules that happen to lie in the user's working folder.
        "-P",
        "-m",
        "dashboards.server",
        "run",
        str(APP),
        f"--server.address={host}",
        f"--server.port={port}",
        "--server.headless=true",
        "--browser.gatherUsageStats=false",
    ]


def environment(settings: Settings) -> dict[str, str]:
    """Return the child's environment: this one and the settings' home, without tokens, keys and addresses."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("DLPULSE_", "GITHUB_"))}
    return inherited | {"DLPULSE_HOME": str(settings.home.resolve())}


def _check_installed(*names: str) -> None:
    """Raise DlpulseError for what the dashboard needs and is not installed."""
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise DlpulseError(
                f"the dashboard needs {_NEEDED[name]}, which is not installed: pip install 'dlpulse[dashboard]'"
            )


def _check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As the server itself does, so that a port in TIME_WAIT is not called taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise DlpulseError(
                f"cannot listen on {host}:{port} ({error.strerror or error}); choose another with --port, "
                f"for instance --port {port % 65535 + 1}"
            ) from None


def _wait(child: subprocess.Popen[bytes]) -> int:
    """Wait for the child; Ctrl-C or SIGTERM stops it and counts as a clean end."""

    def stop(_signum: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        return child.wait()
    except KeyboardInterrupt:
        child.terminate()
        try:
            child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        return 0
    finally:
        signal.signal(signal.SIGTERM, before)
