"""The shared wire: answers bounded in size and time, one turn at a time for each host, across processes."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest
import requests
from rich.console import Console
from rich.progress import Progress

from collectors.base import Context, GivenUp, Stopped, Unreachable
from collectors.wire import MOST_BYTES, TooLarge, Turns, lock_folder, open_session, told
from warehouse import registry
from warehouse.raw import Archive
from warehouse.settings import Settings

HOST = "http://127.0.0.1:7"


@pytest.fixture
def context(settings: Settings) -> Context:
    quiet = Progress(console=Console(quiet=True))
    known = registry.load(settings)
    return Context(settings, known, Archive(settings.raw), [], None, None, quiet, threading.Event())


def test_an_endless_answer_is_cut_off_at_its_limit(world, context):
    world.fault("huge", "/ranking")
    with pytest.raises(TooLarge) as caught:
        open_session(context, (429,)).get(f"{world.ranking_base}/github-ranking-2026-08-22.csv", timeout=5)
    assert 0 < len(caught.value.head) <= 2**16
    assert str(caught.value) == f"larger than {MOST_BYTES // 2**20} MiB"


def test_an_answer_that_trickles_ends_after_twenty_timeouts(context):
    with trickling() as address, pytest.raises(requests.exceptions.ReadTimeout):
        impatient = replace(context, settings=replace(context.settings, timeout=0.05, retries=0))
        began = time.monotonic()
        open_session(impatient, ()).get(address, timeout=0.5)
    assert 1.0 <= time.monotonic() - began < 4.0


def test_what_a_broken_connection_is_called(context):
    line = r"^Nobody at 127\.0\.0\.1:9 cannot be reached: connection refused$"
    with pytest.raises(Unreachable, match=line), told(context, "Nobody", "http://me:s3cret@127.0.0.1:9"):
        open_session(context, ()).get("http://127.0.0.1:9/", timeout=1)


def test_requests_name_dlpulse_and_the_contact(world, context):
    named = replace(context, settings=replace(context.settings, contact="me@example.org"))
    open_session(named, ()).get(f"{world.github_api}/rate_limit", headers={"Authorization": "token world-token"})
    assert "dlpulse/0.1 (popularity of deep-learning frameworks; me@example.org)" in world.agents


def test_passwords_come_from_the_address_and_never_from_netrc(context, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password s3cret")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    session = open_session(context, ())

    def sent(address):
        return session.prepare_request(requests.Request("GET", address)).headers.get("Authorization")

    assert sent("http://127.0.0.1/") is None
    assert sent("http://you:pw@127.0.0.1/") == "Basic eW91OnB3"


def test_turns_are_the_delay_apart(context):
    turns, starts = Turns(context, "Host", HOST, 0.2), []
    for _ in range(4):
        with turns.taken():
            starts.append(time.time())
    gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert all(0.19 <= gap < 0.3 for gap in gaps), gaps


def test_a_clock_set_back_makes_nobody_wait_longer_than_the_delay(context):
    turns = Turns(context, "Host", HOST, 0.2)
    with turns.taken():
        pass
    (asked,) = lock_folder(context.settings, HOST).glob("*.asked")
    tomorrow = time.time() + 86_400
    os.utime(asked, (tomorrow, tomorrow))
    began = time.monotonic()
    with turns.taken():
        assert time.monotonic() - began < 0.5


def test_waiting_for_a_turn_ends_when_the_user_stops(context):
    first, second = Turns(context, "Host", HOST), Turns(context, "Host", HOST)
    with first.taken():
        threading.Timer(0.2, context.stop.set).start()
        with pytest.raises(Stopped), second.taken():
            pass


def test_waiting_for_a_turn_has_an_end(context):
    impatient = replace(context, settings=replace(context.settings, max_wait=0.02, timeout=0.1))
    line = r"^another dlpulse is asking Host; one at a time is allowed$"
    first, second = Turns(context, "Host", HOST), Turns(impatient, "Host", HOST)
    with first.taken(), pytest.raises(GivenUp, match=line), second.taken():
        pass


HOLDER = """
import sys, time
from filelock import FileLock
with FileLock(sys.argv[1], thread_local=False):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_killed_process_gives_its_turn_back(context):
    turns = Turns(context, "Host", HOST)
    lock = lock_folder(context.settings, HOST) / "127.0.0.1_7.lock"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(lock)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        threading.Timer(0.3, holder.kill).start()
        began = time.monotonic()
        with turns.taken():
            assert 0.2 < time.monotonic() - began < 5


def test_hosts_of_the_outside_share_one_lock_for_all_homes(context, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folders = {
        lock_folder(replace(context.settings, home=tmp_path / name), "https://export.arxiv.org/api/query")
        for name in ("one", "two")
    }
    assert folders == {tmp_path / "cache" / "dlpulse" / "locks"}


class trickling:  # noqa: N801
    """A server that sends a byte every 20 ms and never ends; its address."""

    def __enter__(self) -> str:
        import socket

        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}/"

    def _serve(self) -> None:
        try:
            connection, _ = self.listener.accept()
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while True:
                connection.sendall(b"x")
                time.sleep(0.02)
        except OSError:
            return

    def __exit__(self, *_: object) -> None:
        self.listener.close()
