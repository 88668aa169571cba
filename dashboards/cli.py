"""`dlpulse dashboard`: starts Streamlit in a child process, on this machine's own address unless told otherwise."""

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


def dashboard(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on; the default serves this machine only.")] = HOST,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = PORT,
) -> None:
    """Show the published database in the browser, until Ctrl-C."""
    raise typer.Exit(serve(context.obj, host, port))


def serve(settings: Settings, host: str = HOST, port: int = PORT) -> int:
    """Print the dashboard's address on stdout and serve it until it is stopped; returns Streamlit's exit code.

    Raises:
        DlpulseError: when Streamlit is not installed or the port cannot be had.
    """
    if importlib.util.find_spec("streamlit") is None:
        raise DlpulseError("the dashboard needs Streamlit, which is not installed: pip install 'dlpulse[dashboard]'")
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
        "streamlit",
        "run",
        str(APP),
        f"--server.address={host}",
        f"--server.port={port}",
        "--server.headless=true",
        "--browser.gatherUsageStats=false",
    ]


def environment(settings: Settings) -> dict[str, str]:
    """Return the child's environment: this one and the settings' home, without the token: it has no use for it."""
    inherited = {key: value for key, value in os.environ.items() if key != "GITHUB_TOKEN"}
    return inherited | {"DLPULSE_HOME": str(settings.home.resolve())}


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
