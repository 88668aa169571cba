"""Code size: logical lines and device calls of a tutorial's trainers, counted in the source."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import codesize

TUTORIALS = Path(codesize.__file__).parent / "tutorials"


def module(folder: Path, source: str) -> Path:
    path = folder / "tutorial.py"
    path.write_text(source, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("    return 1\n", 1),
        ('    """Said."""\n    # why\n\n    return 1\n', 1),
        ("    a = 1; b = 2\n    return a\n", 3),
        ("    return dict(\n        a=1,\n        b=2,\n    )\n", 1),
        ("    for a in b:\n        c()\n    else:\n        d()\n", 3),
        ("    if a:\n        b()\n    elif c:\n        d()\n    else:\n        e()\n", 5),
        ("    with a, b:\n        pass\n", 2),
        ('    def inner():\n        """Said."""\n        return 1\n    return inner\n', 3),
        ('    class Inner:\n        """Said."""\n        a = 1\n', 2),
        ('    a = "text, no docstring"\n', 1),
        ("    import json\n    return [a for a in b if a]\n", 2),
    ],
)
def test_a_statement_is_a_line_and_words_are_none(body: str, lines: int, tmp_path: Path) -> None:
    source = f"import numpy\n\ndef make_model():\n    return 1\n\ndef prepare():\n    pass\n\ndef train():\n{body}"
    assert codesize.code_lines(module(tmp_path, source)) == 1 + lines


def test_other_functions_of_the_module_do_not_count(tmp_path: Path) -> None:
    source = """
def prepare(): return helper()
def train(): return 1
def helper(): return torch.device("cpu")
class Trainer:
    def train(self): return self.model.cuda()
"""
    path = module(tmp_path, source)
    assert (codesize.code_lines(path), codesize.device_calls(path)) == (2, 0)


@pytest.mark.parametrize(
    ("expression", "calls"),
    [
        ("model.to(device)", 1),
        ("model.to(self.place)", 1),
        ("model.to('cuda:0')", 1),
        ("model.to(torch.device('cuda'))", 2),
        ("model.to(device=device)", 1),
        ("torch.zeros(3, device=device)", 1),
        ("images.cuda().cpu()", 2),
        ("torch.cuda.is_available()", 1),
        ("tf.device('/GPU:0')", 1),
        ("jax.device_put(images)", 1),
        ("torch.set_default_device(kind)", 1),
        ("model.to(torch.float64)", 0),
        ("model.to('float64')", 0),
        ("model.to(dtype=dtype)", 0),
        ("model.fit(images, labels)", 0),
        ("print('cuda', device)", 0),
        ("device.type", 0),
    ],
)
def test_a_device_call_is_one_that_names_a_device(expression: str, calls: int, tmp_path: Path) -> None:
    path = module(tmp_path, f"def prepare():\n    pass\n\ndef train():\n    return {expression}\n")
    assert codesize.device_calls(path) == calls


@pytest.mark.parametrize(("name", "lines", "calls"), [("keras_fit", 4, 0), ("pytorch_loop", 19, 4)])
def test_the_two_tutorials_have_their_sizes(name: str, lines: int, calls: int) -> None:
    path = TUTORIALS / f"{name}.py"
    assert (codesize.code_lines(path), codesize.device_calls(path)) == (lines, calls)


def test_nothing_is_imported_to_count(tmp_path: Path) -> None:
    path = module(tmp_path, "raise SystemExit\nimport nowhere\ndef prepare(): pass\ndef train(): pass\n")
    assert (codesize.code_lines(path), codesize.device_calls(path)) == (2, 0)


def test_a_module_without_a_trainer_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"tutorial\.py has no function train"):
        codesize.code_lines(module(tmp_path, "def prepare(): pass\n"))
