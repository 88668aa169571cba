"""Says in one line what is wrong with a command line: the option, what was expected, and where help is to be had."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import typer

# typer has its own or click's, by its version, and a name for neither.
UsageError: Any = typer.BadParameter.__mro__[1]
NO_ARGUMENTS = "NoArgsIsHelpError"
VALUE_LENGTH = 100
# The kinds of faults of pydantic, which reads the values for typer.
_EXPECTED = {
    "float_parsing": "a number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_parsing": "true or false",
    "greater_than_equal": "{ge:g} or more",
    "less_than_equal": "{le:g} or less",
}
_EXTRA = re.compile(r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)", re.DOTALL)


def line(error: Any, root: Any, words: Sequence[str]) -> str:
    """Return for instance ``dlpulse sql: --timeout x: expected a number (see `dlpulse sql --help`)``.

    `root` is the whole command, `words` are what it was given: not every fault tells the subcommand.
    """
    path, command = (error.ctx.command_path, error.ctx.command) if error.ctx else _command(root, words)
    return f"{path}: {_short(_fault(error, command), 5 * VALUE_LENGTH)} (see `{path} --help`)"


def _command(root: Any, words: Sequence[str]) -> tuple[str, Any]:
    """Return the subcommand that the words name, and how it is called."""
    path, command = "dlpulse", root
    left = iter(words)
    for word in left:
        option = _option(command, word)
        if option is not None and not option.is_flag:
            next(left, None)
        elif word in getattr(command, "commands", {}):
            path, command = f"{path} {word}", command.commands[word]
    return path, command


def _option(command: Any, name: str) -> Any:
    return next((one for one in command.params if name.startswith("-") and name in one.opts), None)


def _fault(error: Any, command: Any) -> str:
    kind = type(error).__name__
    if kind == "NoSuchOption":
        return f"there is no option {error.option_name}{_meant(error.possibilities or ())}"
    if kind == "BadOptionUsage":
        option = _option(command, error.option_name)
        wanted = "no value" if option is None or option.is_flag else option.metavar or "a value"
        return f"{error.option_name}: expected {wanted}"
    if kind == "MissingParameter" and error.param is not None:
        told = (getattr(error.param, "help", None) or "").rstrip(".")
        return f"expected {_name(error.param)}{f': {told}' if told else ''}"
    if isinstance(error, typer.BadParameter) and error.param is not None:
        return _bad_value(error)
    extra = _EXTRA.fullmatch(error.message)
    if extra:
        takes_text = any(one.param_type_name == "argument" for one in command.params)
        return f"not expected: {_short(extra[1])}{'; text with blanks needs quotes around it' if takes_text else ''}"
    # As in "No such command 'colect'. Did you mean 'collect'?"
    told = error.format_message().rstrip(".").replace(". Did you mean", "; did you mean")
    return f"{told[:1].lower()}{told[1:]}"


def _meant(names: Sequence[str]) -> str:
    return f"; did you mean {' or '.join(names)}?" if names else ""


def _bad_value(error: Any) -> str:
    """Say the option, its value and what was expected; in typer's words where it does not tell the value."""
    name = _name(error.param)
    faults: list[dict[str, Any]] = getattr(error.__cause__, "errors", list)()
    if not faults:
        return f"{name}: {error.message.rstrip('.')}"
    fault = faults[0]
    value = _short(str(fault.get("input", ""))) or "''"
    source = error.ctx and error.ctx.get_parameter_source(error.param.name)
    is_variable = getattr(source, "name", "") == "ENVIRONMENT"
    return f"{f'{error.param.envvar}=' if is_variable else f'{name} '}{value}: expected {_expected(error.param, fault)}"


def _expected(param: Any, fault: dict[str, Any]) -> str:
    choices = [str(getattr(one, "value", one)) for one in getattr(param.type_descriptor, "choices", None) or ()]
    if choices:
        return f"{', '.join(choices[:-1])} or {choices[-1]}"
    if fault["type"] in _EXPECTED:
        return _EXPECTED[fault["type"]].format(**fault.get("ctx", {}))
    return f"something else: {fault['msg']}"


def _name(param: Any) -> str:
    """Return `--timeout` of an option, `FILE` of an argument."""
    long = [name for name in param.opts if name.startswith("--")]
    options = long or [name for name in param.opts if name.startswith("-")]
    return str(options[0] if options else param.metavar or param.name.upper())


def _short(text: str, length: int = VALUE_LENGTH) -> str:
    """Return a text in one line, cut when it is long."""
    words = " ".join(text.split())
    return words if len(words) <= length else f"{words[:length]}…"
