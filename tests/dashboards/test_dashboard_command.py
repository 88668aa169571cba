"""`dlpulse dashboard` as far as it goes before Streamlit takes over."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from dashboards import cli
from warehouse.errors import DlpulseError
from warehouse.settings import Settings


def test_a_taken_port_is_named_with_another_to_try(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(DlpulseError, match=rf"cannot listen on 127\.0\.0\.1:{port} .* choose another with --port"):
            cli.serve(Settings(home=tmp_path, raw=tmp_path / "raw"), port=port)


def test_the_child_gets_the_home_and_no_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    monkeypatch.setenv("DLPULSE_STACKEXCHANGE_KEY", "secret")
    inherited = cli.environment(Settings(home=tmp_path, raw=tmp_path / "raw"))
    assert inherited["DLPULSE_HOME"] == str(tmp_path)
    assert "secret" not in inherited.values()


def test_a_file_in_the_working_folder_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("open('poisoned', 'w').close()\nraise SystemExit(3)\n")
    child = cli.command(cli.HOST, cli.PORT)
    streamlit = child[: child.index("run")]
    result = subprocess.run(
        [*streamlit, "--version"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (result.returncode, result.stdout.split(",")[0]) == (0, "Streamlit")
    assert not (tmp_path / "poisoned").exists()


def test_it_serves_this_machine_only_and_sends_no_usage_statistics() -> None:
    command = cli.command(cli.HOST, cli.PORT)
    assert "--server.address=127.0.0.1" in command
    assert "--browser.gatherUsageStats=false" in command
