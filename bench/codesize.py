"""How much code a default track asks of its user: logical lines and calls that name a device, read by `ast`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TRAINERS = ("prepare", "train")
"""The functions of a tutorial that count."""
_WITH_DOCSTRING = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_DEVICE_KINDS = ("cpu", "cuda", "gpu", "mps", "rocm", "tpu", "xpu")
_DTYPE = re.compile(r"(float|bfloat|int|uint|complex)\d+|float|double|half|int|long|short|bool")


def code_lines(module_path: Path) -> int:
    """Return the logical lines of a tutorial's trainers: their statements, however they are laid out.

    A compound statement's header (`for`, `with`, `if`, a nested `def`…) is one, its body's statements one each; an
    `else` is none. Docstrings, comments and the headers of `prepare` and `train` themselves, which every tutorial has,
    are not counted, nor what other functions of the module do. Nothing is imported.

    Raises:
        ValueError: when the module has no `prepare` or no `train`.
    """
    return sum(isinstance(node, ast.stmt) for node in _nodes(module_path))


def device_calls(module_path: Path) -> int:
    """Return how many calls in a tutorial's trainers name a device.

    Such a call has a name with "device" in its last part (`torch.device`, `tf.device`, `jax.device_put`,
    `torch.set_default_device`) or the kind of a device among its parts (`.cuda()`, `.cpu()`,
    `torch.cuda.is_available`), or passes `device=`, or is a `.to(…)` whose first argument is not plainly a number type
    (`torch.float64`, `"float64"`, a name with "dtype" in it). Calls inside calls count each. Nothing is imported.

    Raises:
        ValueError: when the module has no `prepare` or no `train`.
    """
    return sum(isinstance(node, ast.Call) and _names_device(node) for node in _nodes(module_path))


def _nodes(module_path: Path) -> Iterator[ast.AST]:
    """Yield all nodes in the trainers' bodies; docstrings, of inner functions and classes too, are left out."""
    tree = ast.parse(module_path.read_text(encoding="utf-8"))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    if lacking := [name for name in TRAINERS if name not in functions]:
        raise ValueError(f"{module_path.name} has no function {lacking[0]}")
    waiting: list[ast.AST] = [statement for name in TRAINERS for statement in _body(functions[name])]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += _body(node) if isinstance(node, _WITH_DOCSTRING) else ast.iter_child_nodes(node)


def _body(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> list[ast.stmt]:
    return node.body if ast.get_docstring(node, clean=False) is None else node.body[1:]


def _names_device(call: ast.Call) -> bool:
    parts = _dotted(call.func)
    if any(keyword.arg == "device" for keyword in call.keywords):
        return True
    if parts[-1] == "to":
        return bool(call.args) and not _is_dtype(call.args[0])
    return "device" in parts[-1].lower() or any(part in _DEVICE_KINDS for part in parts)


def _dotted(function: ast.expr) -> list[str]:
    """Return the parts of a called name: `torch.cuda.is_available` gives three; a call or index in it ends it."""
    parts: list[str] = []
    while isinstance(function, ast.Attribute):
        parts.append(function.attr)
        function = function.value
    parts.append(function.id if isinstance(function, ast.Name) else "")
    return parts[::-1]


def _is_dtype(argument: ast.expr) -> bool:
    name = str(argument.value) if isinstance(argument, ast.Constant) else _dotted(argument)[-1]
    return "dtype" in name.lower() or _DTYPE.fullmatch(name) is not None
