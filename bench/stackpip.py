"""pip as a child process: what it would fetch and how large that is, its progress, and its last words when it fails."""

from __future__ import annotations

import json
import os
import re
import signal
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from bench.stackfile import package_name

Say = Callable[[str], None]
"""Called with one line of progress."""
# Runs a module, and ends itself with all that it started when the parent, which holds stdin open, is gone.
_WATCHED = """
import os, runpy, signal, sys, threading
def watch():
    os.read(0, 1)
    os.killpg(0, signal.SIGKILL)
threading.Thread(target=watch, daemon=True).start()
module = sys.argv.pop(1)
sys.argv[0] = module
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""
_OPTIONS = ("--no-input", "--progress-bar", "off", "--disable-pip-version-check")
# They would send the packages elsewhere or hide what pip says; the rest of pip's own configuration holds.
_ELSEWHERE = frozenset(
    f"PIP_{name}" for name in ("TARGET", "PREFIX", "ROOT", "USER", "PYTHON", "REPORT", "DRY_RUN", "QUIET", "LOG")
) | {"PYTHONPATH", "PYTHONHOME"}
_PROGRESS = re.compile(r"\s*(Downloading|Building wheel for|Installing collected)\s+(\S+)")
_MESSAGE_LENGTH = 300


class Failed(Exception):
    """A module ended with an error; the message is its last useful line."""


@dataclass(frozen=True)
class Download:
    """One distribution that pip would install; bytes of its file, None when nobody tells. `local`: on this disk."""

    name: str
    version: str
    bytes: int | None
    local: bool


@dataclass(frozen=True)
class Pip:
    """A pip at work on an environment: the Python that has pip, the environment's Python, where its output goes."""

    tool: Path
    python: Path
    log: Path
    say: Say

    def __call__(self, *words: str) -> None:
        """Let it work; raises Failed."""
        target = [] if self.python == self.tool else ["--python", str(self.python)]
        run_module(self.tool, "pip", [*target, *words, *_OPTIONS], self.log, self.say)


def resolve(pip: Pip, requirements: Sequence[str]) -> list[dict[str, Any]]:
    """Return the `install` entries of pip's report on what the requirements would bring; installs none of it.

    The report: https://pip.pypa.io/en/stable/reference/installation-report/

    Raises:
        Failed: they cannot be had, or not together.
    """
    report = pip.log.with_suffix(".report.json")
    words = ["install", "--dry-run", "--report", str(report), *requirements]
    try:
        # Where the index has no metadata apart, read them out of the wheel by range requests.
        pip(*words, "--use-feature=fast-deps")
    except Failed as failure:
        if "use-feature" not in str(failure):
            raise
        pip(*words)
    try:
        return list(json.loads(report.read_text("utf-8"))["install"])
    finally:
        report.unlink()


def run_module(python: Path, module: str, words: Sequence[str], log: Path, say: Say) -> None:
    """Run `python -m module`, which dies with this process. Its output goes to `log`, its larger steps to `say`.

    Raises:
        Failed: it ended with another exit code than 0.
    """
    start = log.stat().st_size if log.exists() else 0
    with log.open("a", encoding="utf-8") as file, _started(python, module, words) as process:
        for line in process.stdout or ():
            file.write(line)
            file.flush()
            if told := _PROGRESS.match(line):
                say(_brief(told[1], told[2]))
        process.wait()
    if process.returncode:
        raise Failed(_last_words(log.read_bytes()[start:].decode("utf-8", errors="replace")))


def measured(entries: Iterable[dict[str, Any]]) -> list[Download]:
    """Turn the `install` entries of pip's report into downloads, each file's size as its server or disk tells it."""
    context = _context()

    def measure(entry: dict[str, Any]) -> Download:
        url, metadata = str(entry["download_info"]["url"]), entry["metadata"]
        local = url.startswith("file:")
        length = _file_bytes(url) if local else _told_bytes(url, context)
        return Download(package_name(metadata["name"]), metadata["version"], length, local)

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(measure, entries))


@contextmanager
def _started(python: Path, module: str, words: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """Start a watched module; leave nothing of its process group behind, however the block is left."""
    process = subprocess.Popen(
        [str(python), "-I", "-c", _WATCHED, module, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={name: value for name, value in os.environ.items() if name not in _ELSEWHERE},
        start_new_session=True,  # a terminal's Ctrl-C is for this process, which ends the other and its children
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()


def _context() -> ssl.SSLContext:
    """Return what checks servers: the certificates that pip was told of, else the system's."""
    told = os.environ.get("PIP_CERT", "")
    return ssl.create_default_context(cafile=told if Path(told).is_file() else None)


def _file_bytes(url: str) -> int | None:
    path = Path(unquote(urlsplit(url).path))
    return path.stat().st_size if path.is_file() else None


def _told_bytes(url: str, context: ssl.SSLContext) -> int | None:
    """Return the Content-Length of a HEAD request; None when there is no useful answer."""
    request = urllib.request.Request(url, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            told = str(answer.headers.get("Content-Length", ""))
    except (urllib.error.URLError, OSError, ValueError):
        return None
    return int(told) if told.isdecimal() else None


def _brief(verb: str, what: str) -> str:
    """Name a file without the address that leads to it."""
    return "unpacking" if verb.startswith("Installing") else f"{verb.lower()} {what.rpartition('/')[2]}"


def _last_words(output: str) -> str:
    """Return the reason: the last line marked as an error, else the last line; without user names in addresses."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    words = (errors or lines or ["it said nothing"])[-1]
    return re.sub(r"//[^/\s@]*@", "//", words)[:_MESSAGE_LENGTH]
