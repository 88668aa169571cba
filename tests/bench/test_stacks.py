"""Stacks: what a matrix file may say, and real environments made by the real pip from small wheels on this disk."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from bench import stackcache, stackfile, stacks, wanted
from bench.stackfile import Stack
from warehouse.errors import BadInputError, DlpulseError

ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")
ROOT = Path(__file__).resolve().parents[2]
GOOD = 'name = "a"\npackages = ["jax==0.10.2"]\nengines = ["jax"]\n'
# The stack's own library, which tells on import that it was found.
TENSORFLOW = 'raise RuntimeError("tensorflow 9.9 of the stack")\n'
PREPARE = """
import sys
from pathlib import Path
from bench import stackfile, stacks
(stack,) = stackfile.read(Path(sys.argv[1]), Path(sys.argv[2]))
stacks.prepare(stack, lambda line: print(line, flush=True))
"""


def matrix(folder: Path, text: str) -> Path:
    path = folder / "matrix.toml"
    path.write_text(text, "utf-8")
    return path


def one(folder: Path, version: str = "9.9", *, package: str = "tensorflow-cpu", engine: str = "tensorflow") -> Stack:
    return Stack("old", (f"{package}=={version}",), (engine,), folder)


def wheel(folder: Path, name: str, version: str, files: dict[str, str], needs: tuple[str, ...] = ()) -> Path:
    """Write a wheel; `files` by path inside it."""
    stem = f"{name.replace('-', '_')}-{version}"
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        f"Version: {version}",
        *(f"Requires-Dist: {one}" for one in needs),
    ]
    told = {
        f"{stem}.dist-info/METADATA": "\n".join(lines) + "\n",
        f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    contents = files | told
    record = [
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip('=')},{len(text)}"
        for path, text in contents.items()
    ]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in contents.items():
            archive.writestr(inside, text)
        archive.writestr(f"{stem}.dist-info/RECORD", "\n".join([*record, f"{stem}.dist-info/RECORD,,", ""]))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all tests keep their environments, so that the one with pip is made once."""
    return tmp_path_factory.mktemp("stacks")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that is all that pip knows: a tensorflow-cpu 9.9, and this Python's own numpy by a link."""
    packages = Path(np.__file__).parents[1]
    linked = tmp_path / "numpy-alone"
    linked.mkdir()
    for name in ("numpy", "numpy.libs"):
        (linked / name).symlink_to(packages / name)
    wheels = tmp_path / "wheels"
    wheel(wheels, "numpy", np.__version__, {"linked_numpy.pth": f"{linked}\n"})
    wheel(wheels, "tensorflow-cpu", "9.9", {"tensorflow/__init__.py": TENSORFLOW}, needs=("numpy",))
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    return wheels


@pytest.fixture
def served(index: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The same folder over HTTP, whose listing serves as a page of links."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(index))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("PIP_FIND_LINKS", f"http://127.0.0.1:{server.server_port}/")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def last_words(stack: Stack, request: dict[str, object]) -> str:
    """Ask a worker in the stack's environment; return the last line of its stderr."""
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(stacks.argv(stack), **pipes, text=True) as worker:  # type: ignore[call-overload]
        worker.stdin.write(json.dumps(request) + "\n")
        worker.stdin.flush()  # and left open: a worker takes its end for its parent's death
        return str(worker.stderr.read().strip().splitlines()[-1])


def test_the_example_file_reads_as_two_tensorflow_and_two_jax_releases(tmp_path: Path) -> None:
    read = stackfile.read(ROOT / "bench" / "matrix.example.toml", tmp_path)
    assert [(stack.packages[0], stack.engines[0]) for stack in read] == [
        ("tensorflow-cpu==2.20.0", "keras-tensorflow"),
        ("tensorflow-cpu==2.21.0", "keras-tensorflow"),
        ("jax==0.7.2", "jax"),
        ("jax==0.10.2", "jax"),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("stack = 1", "expected [[stack]] tables only"),
        ("", "expected [[stack]] tables only"),
        ("[[stak]]\n" + GOOD, "expected [[stack]] tables only, found 'stak'"),
        ("[[stack]]\nname", "is not valid TOML: "),
        ("[[stack]]\n" + GOOD.replace("engines", "engine"), "stack 'a': unknown key 'engine'; did you mean engines?"),
        ("[[stack]]\n" + GOOD.replace('["jax"]', '["jaxx"]'), "stack 'a': unknown engine 'jaxx'; did you mean jax"),
        ("[[stack]]\n" + GOOD.replace("==", ">="), "stack 'a': package 'jax>=0.10.2' is not pinned: expected for"),
        ("[[stack]]\n" + GOOD.replace("jax==0.10.2", "--index-url=x"), "stack 'a': package '--index-url=x' is not"),
        ("[[stack]]\n" + GOOD.replace("0.10.2", "0.10.*"), "stack 'a': package 'jax==0.10.*' is not pinned"),
        ("[[stack]]\npackages = ['jax==1']\nengines = ['jax']", "stack 'number 1': name None must be made of letters"),
        ("[[stack]]\nname = 'a'\npackages = 'jax==1'", "stack 'a': packages must be a list of texts like [\"jax==0.10"),
        (
            "[[stack]]\nname = 'a'\npackages = ['jax==1']",
            "stack 'a': engines must be a list of texts like [\"jax\"]; it",
        ),
        ("[[stack]]\n" + GOOD + "[[stack]]\n" + GOOD, "stack 'a' stands there twice; names must be unique"),
        ("[[stack]]\n" + GOOD.replace("]\ne", ', "JAX==0.7"]\ne'), "stack 'a': package 'jax' is pinned twice"),
        ("[[stack]]\n" + GOOD + "cuda = 1", "stack 'a': cuda must be true or false, found 1"),
        ("stack = [1]", "stack 'number 1': expected a [[stack]] table, found 1"),
    ],
)
def test_each_mistake_is_one_line_with_file_table_and_what_was_expected(tmp_path: Path, text: str, line: str) -> None:
    path = matrix(tmp_path, text)
    with pytest.raises(BadInputError) as refusal:
        stackfile.read(path, tmp_path)
    assert str(refusal.value).startswith(f"{path}: {line}")
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"absent\.toml: cannot be read: No such file"):
        stackfile.read(tmp_path / "absent.toml", tmp_path)


def test_the_same_pins_share_an_environment_whatever_their_order_and_the_stacks_name(tmp_path: Path) -> None:
    first = Stack("a", ("jax==1", "jaxlib==1"), ("jax",), tmp_path)
    assert first.key == Stack("b", ("jaxlib==1", "jax==1"), ("keras-jax",), tmp_path).key
    assert first.key != Stack("a", ("jax==2", "jaxlib==1"), ("jax",), tmp_path).key


def test_a_stack_is_sized_made_used_and_kept(index: Path, folder: Path, tmp_path: Path) -> None:
    stack = one(folder)
    assert stacks.total_bytes(stack) == sum(path.stat().st_size for path in index.glob("*.whl"))
    assert not stacks.needs_consent(stack)
    assert not stacks.ready(stack)
    said: list[str] = []
    stacks.prepare(stack, said.append)
    assert (said[0], said[-1][:11]) == ("old: installing 2 packages", "old: ready,")
    assert stacks.versions(stack) == {"tensorflow-cpu": "9.9", "numpy": np.__version__}
    shutil.rmtree(index)  # nothing more is asked of pip
    stacks.prepare(stack, said.append)
    assert stacks.size_line(stack).startswith("tensorflow-cpu 9.9: there already, ")
    assert stacks.total_bytes(stack) == 0
    (kept,) = (one for one in stackcache.environments(folder) if one.name == stack.key)
    assert (kept.packages, kept.ready, kept.bytes > 0) == (("tensorflow-cpu==9.9",), True, True)
    # The worker finds the stack's library; torch beside dlpulse stays out of its reach.
    data = tmp_path / "data.npz"
    np.savez(data, name="tiny", learnable=False, **{key: np.zeros(1) for key in ARRAYS})
    request = {"kind": "parity", "mode": "graph", "track": "matched", "device": "cpu", "threads": 1, "seed": 0}
    request |= {"data": str(data)}
    assert last_words(stack, request | {"engine": "tensorflow"}) == "RuntimeError: tensorflow 9.9 of the stack"
    assert last_words(stack, request | {"engine": "pytorch"}) == "ModuleNotFoundError: No module named 'torch'"


def test_sizes_are_told_by_the_server_in_one_line_before_anything_is_installed(
    served: str, index: Path, folder: Path
) -> None:
    path = wheel(index, "tensorflow-cpu", "9.8", {"tensorflow/__init__.py": ""}, needs=("numpy",))
    stack = one(folder, "9.8")
    found = {one.name: one for one in stacks.downloads(stack)}
    assert (found["tensorflow-cpu"].bytes, found["tensorflow-cpu"].local) == (path.stat().st_size, False)
    assert stacks.size_line(stack) == "tensorflow-cpu 9.8: 1 MB to download; unpacked up to five times that"
    assert list((folder / stack.key).glob("lib/python*/site-packages/*")) == []


def test_a_version_that_does_not_exist_fails_in_one_line_and_leaves_no_environment(index: Path, folder: Path) -> None:
    stack = one(folder, "1.0")
    with pytest.raises(DlpulseError) as failure:
        stacks.prepare(stack)
    text = str(failure.value)
    assert text.startswith("stack 'old': No matching distribution found for tensorflow-cpu==1.0; its log is ")
    assert "Could not find a version" in Path(text.rpartition("its log is ")[2]).read_text("utf-8")
    assert not stacks.ready(stack)


def test_a_stack_that_lacks_an_engines_library_is_refused_before_it_is_installed(index: Path, folder: Path) -> None:
    stack = replace(one(folder, "9.7"), engines=("tensorflow", "jax"))
    wheel(index, "tensorflow-cpu", "9.7", {"tensorflow/__init__.py": ""}, needs=("numpy",))
    with pytest.raises(DlpulseError, match="engine jax needs jax, which its packages do not bring; add jax with its"):
        stacks.prepare(stack)
    assert not stacks.ready(stack)


def test_torch_needs_consent_and_cuda_must_be_asked_for(index: Path, folder: Path) -> None:
    wheel(index, "torch", "9.9+cpu", {"torch.py": ""})
    wheel(index, "torch", "9.8", {"torch.py": ""}, needs=("nvidia-cublas",))
    wheel(index, "nvidia-cublas", "13.0", {"cublas.py": ""})
    assert stacks.needs_consent(one(folder, "9.9+cpu", package="torch", engine="pytorch"))
    with_cuda = one(folder, "9.8", package="torch", engine="pytorch")
    with pytest.raises(DlpulseError, match=r"bring CUDA \(1 of them, nvidia-cublas first\); pin a build for the CPU"):
        stacks.needs_consent(with_cuda)
    assert stacks.needs_consent(replace(with_cuda, cuda=True))


def test_what_needs_consent_is_installed_when_somebody_agrees_after_hearing_its_size(index: Path, folder: Path) -> None:
    wheel(index, "torch", "9.5+cpu", {"torch.py": ""})
    stack, said, notes = one(folder, "9.5+cpu", package="torch", engine="pytorch"), list[str](), list[str]()
    assert wanted.made([stack], lambda question: bool(said.append(question)), said.append, notes) == []
    assert said[-1] == "install stack old?"
    assert said[-2].startswith("torch 9.5+cpu: 0 MB to download and ")
    assert notes == ["stack old left out: so much is installed with --yes-large, or when agreed to"]
    assert wanted.made([stack], lambda _: True, said.append, notes) == [stack]
    assert stacks.ready(stack)


def test_an_installation_killed_in_the_middle_is_made_anew_and_leaves_no_pip_behind(
    index: Path, folder: Path, tmp_path: Path
) -> None:
    wheel(index, "tensorflow-cpu", "9.6", {"tensorflow/__init__.py": ""}, needs=("numpy",))
    path = matrix(tmp_path, '[[stack]]\nname = "old"\npackages = ["tensorflow-cpu==9.6"]\nengines = ["tensorflow"]')
    (stack,) = stackfile.read(path, folder)
    arguments = [sys.executable, "-c", PREPARE, str(path), str(folder)]
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert any("installing" in line for line in process.stdout)
        wait_until(lambda: len(descendants(process.pid)) > 0)
        pips = descendants(process.pid)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    wait_until(lambda: not any(alive(pid) for pid in pips))
    assert not stacks.ready(stack)
    said: list[str] = []
    stacks.prepare(stack, said.append)
    assert said[0] == "old: asking for the sizes"  # from the beginning, not on top of what was left
    assert stacks.ready(stack)


def descendants(pid: int) -> list[int]:
    listing = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    found = [int(line) for line in listing.stdout.split()]
    return found + [below for child in found for below in descendants(child)]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(300):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("it did not happen")
