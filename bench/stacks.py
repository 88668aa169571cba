"""An environment of its own for each stack of library versions: its size, its making, and how a worker starts there.

An environment is whole when `ready.json` stands in it, which is written last; any other is made anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import filelock

import bench
import warehouse
from bench.engines import ENGINES
from bench.stackcache import READY, mb, python, size, whole
from bench.stackfile import Stack, package_name
from bench.stackpip import Download, Failed, Pip, Say, measured, resolve, run_module
from warehouse.errors import DlpulseError
from warehouse.files import write_whole

LARGE_BYTES = 1_000_000_000
"""A stack of more than this needs consent, as does any with torch."""
# The code joins at the end of the path: nothing of dlpulse's own may shadow what the stack brings.
_LAUNCH = (
    "import runpy, sys; sys.path.append(sys.argv.pop()); "
    "runpy.run_module('bench.worker', run_name='__main__', alter_sys=True)"
)
_CUDA = re.compile(r"(nvidia|cuda)-|.*-cuda\d")
_EMPTY = "empty.json"


def _silent(_: str) -> None:
    """Say nothing."""


def folder(home: Path) -> Path:
    """Return where the environments of dlpulse's home are kept."""
    return home / "cache" / "stacks"


def downloads(stack: Stack, say: Say = _silent) -> list[Download]:
    """Return what making the stack would fetch; pip is asked once, the answer kept.

    No package is fetched to find out, unless the index can be asked neither for metadata nor for a part of a file.

    Raises:
        DlpulseError: pip finds no such versions, an engine's library is not among them, or they bring CUDA unasked.
    """
    with _alone(stack):
        return _sized(stack, say)


def total_bytes(stack: Stack, say: Say = _silent) -> int:
    """Return how large the stack's files are before they are unpacked, as far as told; 0 when it is there already."""
    return 0 if ready(stack) else sum(one.bytes or 0 for one in downloads(stack, say))


def size_line(stack: Stack, say: Say = _silent) -> str:
    """Say in one line what the stack would fetch, like `tensorflow-cpu 2.20.0: 281 MB to download…`."""
    if ready(stack):
        return f"{stack.title}: there already, {mb(size(_home(stack)))} on disk"
    found = downloads(stack, say)
    remote, local = (sum(one.bytes or 0 for one in found if one.local is here) for here in (False, True))
    untold = sum(one.bytes is None for one in found)
    least = f"at least (of {untold} of {len(found)} files nobody tells the size) " if untold else ""
    beside = f" and {mb(local)} from this disk" if local else ""
    return f"{stack.title}: {least}{mb(remote)} to download{beside}; unpacked up to five times that"


def needs_consent(stack: Stack, say: Say = _silent) -> bool:
    """Tell whether somebody must agree first: more than 1 GB, a size that nobody tells, or torch."""
    if ready(stack):
        return False
    found = downloads(stack, say)
    sizes = [one.bytes for one in found]
    return None in sizes or sum(filter(None, sizes)) > LARGE_BYTES or any(one.name == "torch" for one in found)


def prepare(stack: Stack, say: Say = _silent) -> None:
    """Make the stack's environment unless it is there: what `downloads` told, neither more nor newer.

    Raises:
        DlpulseError: pip failed; gives its last words and names the log. What it left is made anew next time.
    """
    with _alone(stack):
        if ready(stack):
            return
        found = _sized(stack, say)
        # From here on the environment may be half made, so what says that it is empty goes first.
        _note(stack, _EMPTY).unlink()
        say(f"{stack.name}: installing {len(found)} packages")
        pins = [f"{one.name}=={one.version}" for one in found]
        _pip(stack, say)("install", "--no-deps", *pins)
        versions = {one.name: one.version for one in found}
        _write(_note(stack, READY), {"packages": stack.packages, "versions": versions})
        say(f"{stack.name}: ready, {mb(size(_home(stack)))} on disk")


def ready(stack: Stack) -> bool:
    """Tell whether the stack's environment is whole and the Python it was made of still there."""
    return whole(_home(stack))


def versions(stack: Stack) -> dict[str, str]:
    """Return version by distribution of a stack that is ready."""
    content = json.loads(_note(stack, READY).read_text("utf-8"))
    return dict(content["versions"])


def argv(stack: Stack) -> list[str]:
    """Return the command that starts `bench.worker` in the environment that `prepare` made.

    Its first and last words are paths of this machine, not to be archived.
    """
    return [str(_python(stack)), "-I", "-c", _LAUNCH, str(_copy_of_code(stack.folder))]


def _home(stack: Stack) -> Path:
    return stack.folder / stack.key


def _python(stack: Stack) -> Path:
    return python(_home(stack))


def _note(stack: Stack, name: str) -> Path:
    return _home(stack) / name


def _log(stack: Stack) -> Path:
    return stack.folder / f"{stack.key}.log"


@contextmanager
def _alone(stack: Stack) -> Iterator[None]:
    """Keep other makers of this environment away: a second waits, since the first makes what it wants."""
    try:
        stack.folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(stack.folder / f"{stack.key}.lock"):
            yield
    except Failed as failure:
        raise DlpulseError(f"stack {stack.name!r}: {failure}; its log is {_log(stack)}") from None
    except OSError as error:
        raise DlpulseError(
            f"stack {stack.name!r}: cannot be kept in {stack.folder}: {error.strerror or error}"
        ) from None


def _sized(stack: Stack, say: Say) -> list[Download]:
    """Return what pip would fetch into the empty environment, which is made first; both are kept for `prepare`."""
    note = _note(stack, _EMPTY)
    if not (note.is_file() and _python(stack).exists()):
        shutil.rmtree(_home(stack), ignore_errors=True)
        _log(stack).write_text("", "utf-8")
        say(f"{stack.name}: asking for the sizes")
        pip = _pip(stack, say)
        run_module(Path(sys.executable), "venv", ["--without-pip", str(_home(stack))], _log(stack), _silent)
        _write(note, [asdict(one) for one in measured(resolve(pip, _requirements(stack)))])
    found = [Download(**one) for one in json.loads(note.read_text("utf-8"))]
    _check(stack, {one.name for one in found})
    return found


def _pip(stack: Stack, say: Say) -> Pip:
    """Return the pip that serves all stacks of the folder from an environment of its own, which is made once."""
    home = stack.folder / f"pip-{platform.python_version()}"
    own = python(home)
    with filelock.FileLock(f"{home}.lock"):
        if not whole(home):
            shutil.rmtree(home, ignore_errors=True)
            run_module(Path(sys.executable), "venv", [str(home)], _log(stack), _silent)
            # The pip that comes with older Pythons fetches every file to tell what it would fetch. Offline it must do.
            with suppress(Failed):
                Pip(own, own, _log(stack), _silent)("install", "--upgrade", "pip")
            _write(home / READY, {})
    return Pip(own, _python(stack), _log(stack), lambda line: say(f"{stack.name}: {line}"))


def _requirements(stack: Stack) -> list[str]:
    """Return the pins, and numpy, which the worker itself needs, where none of them names it."""
    named = {package_name(package) for package in stack.packages}
    return [*stack.packages, *({"numpy"} - named)]


def _check(stack: Stack, names: set[str]) -> None:
    """Refuse packages that lack an engine's library, or bring CUDA that nobody asked for."""
    for engine in stack.engines:
        for need in ENGINES[engine].needs:
            able = [name for name in ENGINES[engine].packages if name == need or name.startswith(f"{need}-")]
            if not names.intersection(able):
                raise DlpulseError(
                    f"stack {stack.name!r}: engine {engine} needs {need}, which its packages do not bring; "
                    f"add {' or '.join(able)} with its version"
                )
    if not stack.cuda and (cuda := sorted(filter(_CUDA.match, names))):
        raise DlpulseError(
            f"stack {stack.name!r}: its packages bring CUDA ({len(cuda)} of them, {cuda[0]} first); "
            "pin a build for the CPU, like torch==2.13.0+cpu, or write cuda = true"
        )


def _write(path: Path, content: Any) -> None:
    write_whole(path, lambda file: file.write(json.dumps(content, indent=1).encode()))


def _copy_of_code(folder: Path) -> Path:
    """Return a copy of the worker's code, named by its content: the benchmark and how it words errors, nothing else."""
    files = dict(_code())
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name} {len(content)} ".encode() + content)
    copy = folder / f"code-{digest.hexdigest()[:16]}"
    if not copy.is_dir():
        temporary = folder / f".{copy.name}.{os.getpid()}"
        for name, content in files.items():
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            (temporary / name).write_bytes(content)
        try:
            temporary.rename(copy)
        except OSError:  # another process was first
            shutil.rmtree(temporary)
    return copy


def _code() -> Iterable[tuple[str, bytes]]:
    """Yield name and content of each file that a worker may import or compile."""
    roots = (Path(str(package.__file__)).parent for package in (bench, warehouse))
    top, lowest = roots
    for path in sorted(top.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield f"bench/{path.relative_to(top).as_posix()}", path.read_bytes()
    for name in ("__init__.py", "errors.py"):
        yield f"warehouse/{name}", (lowest / name).read_bytes()
