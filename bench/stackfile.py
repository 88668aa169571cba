"""The matrix file: which sets of library versions a run measures. Reads and checks; installs nothing."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.engines import ENGINES
from warehouse.errors import BadInputError, nearest

_KEYS = ("name", "packages", "engines", "cuda")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
# Nothing but a pin: an option, an address or a range would make two runs of one name different stacks.
_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(\[[A-Za-z0-9,._-]+\])?==[0-9][A-Za-z0-9.!+_-]*")


@dataclass(frozen=True)
class Stack:
    """One set of pinned packages, the engines to run with it, and the folder that keeps the environments.

    `cuda` says that its CUDA libraries are wanted.
    """

    name: str
    packages: tuple[str, ...]
    engines: tuple[str, ...]
    folder: Path
    cuda: bool = False

    def __post_init__(self) -> None:
        # A plan keeps it as JSON, which has no tuples.
        object.__setattr__(self, "packages", tuple(self.packages))
        object.__setattr__(self, "engines", tuple(self.engines))

    @property
    def key(self) -> str:
        """What names its environment: the same for the same pins, Python and platform, whatever the stack is called."""
        content = [sorted(map(str.lower, self.packages)), platform.python_version(), platform.platform(terse=True)]
        return hashlib.sha256(json.dumps([*content, platform.machine()]).encode()).hexdigest()[:16]

    @property
    def title(self) -> str:
        """Its first pin in words, like `tensorflow-cpu 2.20.0`."""
        return self.packages[0].replace("==", " ")


def package_name(requirement: str) -> str:
    """Return a requirement's distribution in its normal form: `Tensorflow_CPU==2.20.0` is `tensorflow-cpu`."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[=]", requirement, maxsplit=1)[0]).lower()


def read(path: Path, folder: Path) -> list[Stack]:
    """Return the stacks of a TOML file; their environments will live under `folder`.

    Raises:
        BadInputError: the file cannot be read, or one of its tables is wrong; names file, table and what was expected.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path}: is not valid TOML: {error}") from None
    unknown = sorted(content.keys() - {"stack"})
    blocks = content.get("stack")
    if unknown or not isinstance(blocks, list) or not blocks:
        raise BadInputError(f"{path}: expected [[stack]] tables only{f', found {unknown[0]!r}' if unknown else ''}")
    stacks: dict[str, Stack] = {}
    for number, block in enumerate(blocks, 1):
        known_as = block.get("name", f"number {number}") if isinstance(block, Mapping) else f"number {number}"
        stack = _stack(block, f"{path}: stack {known_as!r}", folder)
        if stack.name in stacks:
            raise BadInputError(f"{path}: stack {stack.name!r} stands there twice; names must be unique")
        stacks[stack.name] = stack
    return list(stacks.values())


def _stack(block: Any, where: str, folder: Path) -> Stack:
    if not isinstance(block, Mapping):
        raise BadInputError(f"{where}: expected a [[stack]] table, found {block!r}")
    for key in block:
        if key not in _KEYS:
            raise BadInputError(f"{where}: unknown key {key!r}{nearest(key, _KEYS)}")
    name = block.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadInputError(f"{where}: name {name!r} must be made of letters, digits and . _ + -")
    packages, engines = (_texts(block, key, where) for key in ("packages", "engines"))
    for engine in engines:
        if engine not in ENGINES:
            raise BadInputError(f"{where}: unknown engine {engine!r}{nearest(engine, ENGINES)}")
    for package in packages:
        if not _PIN.fullmatch(package):
            raise BadInputError(f"{where}: package {package!r} is not pinned: expected for instance 'jax==0.10.2'")
    names = [package_name(package) for package in packages]
    for twice in (one for one in names if names.count(one) > 1):
        raise BadInputError(f"{where}: package {twice!r} is pinned twice")
    cuda = block.get("cuda", False)
    if not isinstance(cuda, bool):
        raise BadInputError(f"{where}: cuda must be true or false, found {cuda!r}")
    return Stack(name, packages, tuple(dict.fromkeys(engines)), folder, cuda)


def _texts(block: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = block.get(key)
    if not isinstance(value, list) or not value or not all(isinstance(text, str) for text in value):
        expected = {"packages": '["jax==0.10.2"]', "engines": '["jax"]'}[key]
        found = "it is missing" if value is None else f"found {value!r}"
        raise BadInputError(f"{where}: {key} must be a list of texts like {expected}; {found}")
    return tuple(value)
