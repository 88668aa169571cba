"""The HTTP server: routes to GitHub and arXiv, lets faults befall answers, remembers requests; orders at /_world."""

from __future__ import annotations

import json
import re
import socket
import struct
import sys
import threading
import time
from datetime import date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.world.arxiv import ArXiv
from tests.world.faults import Fault, Faults
from tests.world.github import GitHub, Reply
from warehouse import registry
from warehouse.settings import Settings

# The moment of the recorded star history: its two weeks are then the recorded repository's whole life.
RECORDED_AT = datetime(2026, 9, 11, 15, 22, 39)
_PAGE = b"<!DOCTYPE html><html><head><title>Sign in to the network</title></head><body>Please sign in</body></html>"


class World:
    """The outside world at `now` (UTC without zone), from the shared data folder; a context manager that serves it."""

    def __init__(self, shared_data: Path, now: datetime = RECORDED_AT, port: int = 0) -> None:
        shipped = Settings(home=Path(), raw=Path(), registry_file=registry.SHIPPED)
        self.now = now
        frameworks = registry.load(shipped).choose(None)
        self.github = GitHub(now, frameworks, shared_data / "github/star_history_recorded.json")
        self.arxiv = ArXiv(now, shared_data / "arxiv/mentions-2014-2017.jsonl.gz")
        self.faults = Faults()
        self.requests: list[str] = []
        self._server = _Server(self, port)
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def github_api(self) -> str:
        """The value for DLPULSE_GITHUB_API."""
        return f"{self.address}/github"

    @property
    def arxiv_api(self) -> str:
        """The value for DLPULSE_ARXIV_API."""
        return f"{self.address}/arxiv/api/query"

    def __enter__(self) -> World:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve(self) -> None:
        """Serve in this thread until interrupted."""
        self._server.serve_forever()

    def fault(self, kind: str, pattern: str = ".*", **options: Any) -> None:
        """Order a fault; see `Fault`."""
        self.faults.order(Fault(kind, pattern, **options))

    def asked(self, pattern: str = ".*") -> int:
        """Return how many requests so far had a `path?query` that matches."""
        return sum(re.search(pattern, target) is not None for target in self.requests)

    def truth(self) -> dict[str, Any]:
        """Return what a faithful collector must find: star counts and days, papers' ids, monthly totals."""
        months = [date(year, month, 1) for year in range(2010, self.now.year + 1) for month in range(1, 13)]
        return {
            "stars": {repo.full_name: repo.stars() for repo in self.github.repos},
            "created": {repo.full_name: str(repo.created_on) for repo in self.github.repos},
            "papers": sorted(paper.arxiv_id for paper in self.arxiv.papers),
            "months": {f"{month:%Y-%m}": self.arxiv.month_total(month) for month in months},
        }


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, world: World, port: int) -> None:
        self.world = world
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up on a slow answer is what was ordered; anything else is told as usual."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    # Two small writes an answer: without this, each waits for the other side's delayed acknowledgement.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.path.startswith("/_world"):
            self._control_get()
            return
        world = self.server.world
        world.requests.append(self.path)
        fault = world.faults.take(self.path)
        if fault is None:
            self._send(self._reply())
        elif fault.kind in ("broken-off", "reset"):
            self._break(fault)
        else:
            if fault.kind == "slow":
                time.sleep(fault.seconds)
            self._send(_spoiled(fault, self._reply() if fault.kind in _LATE else None, world, self.path))

    def do_POST(self) -> None:
        """Order a fault: POST /_world/faults with the fields of Fault, or {} to clear them all."""
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if order:
            self.server.world.faults.order(Fault(**order))
        else:
            self.server.world.faults.clear()
        self._send(Reply(200, b"{}"))

    def _control_get(self) -> None:
        world = self.server.world
        content = {"/_world/requests": world.requests, "/_world/faults": world.faults.listing()}
        found = world.truth() if self.path == "/_world/truth" else content.get(self.path)
        self._send(Reply(404 if found is None else 200, json.dumps(found).encode()))

    def _reply(self) -> Reply:
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        world = self.server.world
        if parts.path.startswith("/github/"):
            return world.github.reply(world.github_api, parts.path.removeprefix("/github"), query, dict(self.headers))
        if parts.path == "/arxiv/api/query":
            return world.arxiv.reply(query)
        return Reply(404, b"")

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 304:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def _break(self, fault: Fault) -> None:
        """Send half of what was promised, or nothing, and drop the connection."""
        if fault.kind == "broken-off":
            reply = self._reply()
            self.send_response(reply.status)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body[: len(reply.body) // 2])
            self.wfile.flush()
        else:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent; `World.requests` remembers."""


_LATE = ("slow", "truncated", "empty", "wrong-total")


def _spoiled(fault: Fault, reply: Reply | None, world: World, target: str) -> Reply:
    if reply is not None:
        return _spoiled_late(fault, reply)
    if fault.kind == "html":
        return Reply(200, _PAGE, {"Content-Type": "text/html"})
    waits = {"Retry-After": fault.retry_after} if fault.retry_after else {}
    if target.startswith("/arxiv"):
        return Reply(int(fault.kind[:3]), b"Rate exceeded." if fault.kind == "429" else b"Unavailable", waits)
    messages = {
        "429": "You have exceeded a secondary rate limit.",
        "403-secondary": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
        "403-primary": "API rate limit exceeded for 203.0.113.7.",
        "403": "Repository access blocked",
    }
    if fault.kind == "403-primary":
        reset = int((world.now - datetime(1970, 1, 1)).total_seconds()) + 3_600
        waits |= {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)}
    body = json.dumps({"message": messages.get(fault.kind, "Server Error"), "status": fault.kind[:3]}).encode()
    return Reply(int(fault.kind[:3]), body, {"Content-Type": "application/json; charset=utf-8", **waits})


def _spoiled_late(fault: Fault, reply: Reply) -> Reply:
    if fault.kind == "truncated":
        return Reply(reply.status, reply.body[: len(reply.body) // 2], reply.headers)
    if fault.kind == "empty":
        return Reply(reply.status, b"[]" if reply.body[:1] in b"[{" else _without_entries(reply.body), reply.headers)
    if fault.kind == "wrong-total":
        total = re.compile(rb"(?<=<opensearch:totalResults>)\d+")
        return Reply(
            reply.status, total.sub(lambda found: b"%d" % (int(found[0]) + fault.amount), reply.body), reply.headers
        )
    return reply


def _without_entries(feed: bytes) -> bytes:
    return re.sub(rb"<entry>.*</entry>", b"", feed, flags=re.DOTALL)
