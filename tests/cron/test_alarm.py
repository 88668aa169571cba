"""After a scheduled run: a ping to an address and a command of the user's own, over the wire and as processes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from cron import alarm, job
from tests.cron.test_cron import needs_venv, wrapper


class Watch(HTTPServer):
    """A server in the place of a watcher's: notes what came, answers as told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Heard)
        self.came: list[tuple[str, str, bytes]] = []
        self.answers: list[int] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/secret-id"


class Heard(BaseHTTPRequestHandler):
    server: Watch

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.came.append((self.command, self.path, body))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def watch() -> Iterator[Watch]:
    with Watch() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def told(code: int, output: str, **variables: str) -> list[str]:
    """What the log says after the alarms of one run."""
    log: list[str] = []
    alarm.tell("collect --due", code, output, log.append, variables, wait_s=0.01)
    return log


@pytest.mark.parametrize(("code", "path"), [(0, "/secret-id"), (1, "/secret-id/fail"), (130, "/secret-id/fail")])
def test_a_ping_says_success_or_failure_with_the_end_of_the_output(watch: Watch, code: int, path: str) -> None:
    output = "x" * 20_000 + "the end, ünï"
    assert told(code, output, DLPULSE_PING_URL=watch.address) == []
    ((method, asked, body),) = watch.came
    assert (method, asked) == ("POST", path)
    assert len(body) == alarm.BODY_BYTES and body.endswith("the end, ünï".encode())


def test_each_command_can_have_a_watcher_of_its_own(watch: Watch) -> None:
    address = f"{watch.address}/dlpulse-{{job}}"
    alarm.tell("collect --due", 0, "", print, {alarm.PING: address})
    alarm.tell("build", 1, "", print, {alarm.PING: address})
    assert [path for _, path, _ in watch.came] == ["/secret-id/dlpulse-collect", "/secret-id/dlpulse-build/fail"]
    assert {"secret-id/dlpulse-", "secret-id/dlpulse-build"} <= set(alarm.hidden({alarm.PING: address}))
    assert "a-long-secret" in alarm.hidden({alarm.PING: "https://x.org/{job}/a-long-secret"})
    assert "p" not in alarm.hidden({alarm.PING: "https://x.org/p/{job}"})


def test_a_watcher_that_stumbles_is_asked_again_and_one_that_refuses_is_named_by_its_host(watch: Watch) -> None:
    watch.answers = [500, 503]
    assert told(0, "", DLPULSE_PING_URL=watch.address) == []
    assert len(watch.came) == 3
    watch.answers = [500] * 3
    assert told(0, "", DLPULSE_PING_URL=watch.address) == ["DLPULSE_PING_URL: 127.0.0.1 did not take it: status 500"]


ODD = ["ftp://example.org/secret-id", "secret-id", "http://:1/secret-id", "http://[x/secret-id"]


@pytest.mark.parametrize("address", ODD)
def test_what_is_no_address_is_told_without_it(address: str) -> None:
    assert address in alarm.hidden({alarm.PING: address})
    (line,) = told(0, "", DLPULSE_PING_URL=address)
    assert "secret-id" not in line and line.startswith("DLPULSE_PING_URL is not an http(s) address")


def test_what_answers_no_http_and_what_holds_a_password_neither_breaks_the_run_nor_is_shown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        port = listener.getsockname()[1]

        def answer() -> None:
            for _ in range(3):
                came, _ = listener.accept()
                with came:
                    came.recv(4096)
                    came.sendall(b"nonsense\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        (line,) = told(1, "", DLPULSE_PING_URL=f"http://127.0.0.1:{port}/secret-id")
    assert line.startswith("DLPULSE_PING_URL: 127.0.0.1 did not take it: ") and "secret-id" not in line
    (line,) = told(0, "", DLPULSE_PING_URL="http://me:password@127.0.0.1:9/secret-id")
    assert "password" not in line and "secret-id" not in line


def test_the_users_command_runs_after_a_failure_alone_with_the_output(tmp_path: Path) -> None:
    command = f'{{ echo "$DLPULSE_JOB, $DLPULSE_EXIT"; cat; }} > "{tmp_path}/told"'
    assert told(0, "well", DLPULSE_ON_FAILURE=command) == []
    assert not (tmp_path / "told").exists()
    assert told(1, "stars: no answer\n", DLPULSE_ON_FAILURE=command) == []
    assert (tmp_path / "told").read_text() == "collect --due, 1\nstars: no answer\n"
    failing = "echo no mailer >&2; exit 7"
    assert told(1, "", DLPULSE_ON_FAILURE=failing) == ["DLPULSE_ON_FAILURE ended with 7: no mailer"]


def test_a_command_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarm, "_COMMAND_S", 0.2)
    assert told(1, "", DLPULSE_ON_FAILURE="exec sleep 60") == ["DLPULSE_ON_FAILURE was ended after 0.2 s"]


@needs_venv
def test_the_wrapper_tells_a_watcher_that_it_failed_and_its_log_does_not_hold_the_address(
    watch: Watch, tmp_path: Path
) -> None:
    settings = tmp_path / "env"
    settings.write_text(f"DLPULSE_PING_URL={watch.address}\n")
    settings.chmod(0o600)
    home = tmp_path / "home"
    result = wrapper(home, "collect", "--due", "stars", env={"DLPULSE_ENV": str(settings)})
    assert result.returncode == 1
    ((_, path, body),) = watch.came
    assert path == "/secret-id/fail" and b"stars: " in body
    watch.answers = [500] * 3
    wrapper(home, "collect", "--due", "stars", env={"DLPULSE_ENV": str(settings)})
    log = (home / "logs" / "cron.log").read_text()
    assert "did not take it: status 500" in log and "secret-id" not in log


@needs_venv
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o620, 0o602])
def test_settings_that_others_can_read_or_write_are_refused(tmp_path: Path, mode: int) -> None:
    settings = tmp_path / "env"
    settings.write_text("GITHUB_TOKEN=hidden\n")
    settings.chmod(mode)
    result = wrapper(tmp_path / "home", "status", env={"DLPULSE_ENV": str(settings)})
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        f"dlpulse: {settings} must be yours alone, as it may hold a token: chmod 600 '{settings}'\n"
    )


def test_collecting_is_spread_over_a_minute_and_nothing_else_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(job.time, "sleep", waits.append)
    monkeypatch.setattr(job.subprocess, "run", lambda *_, **__: job.subprocess.CompletedProcess([], 0, ""))
    monkeypatch.setenv("DLPULSE_HOME", str(tmp_path))
    for name in (job.JITTER, alarm.PING, alarm.ON_FAILURE):
        monkeypatch.delenv(name, raising=False)
    for _ in range(50):
        assert job.main(["collect", "--due"]) == 0
    assert job.main(["build"]) == 0
    assert len(waits) == 50 and all(0 <= wait <= 60 for wait in waits) and max(waits) - min(waits) > 20
    monkeypatch.setenv(job.JITTER, "0")
    job.main(["collect"])
    assert waits[-1] == 0
