"""The pure-C network computes what numpy does, counts what the formula says, and refuses in one line."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest

from bench import bounds, network, reference
from bench.bounds import build, machine, matmul, pure_c
from bench.engines import ENGINES
from bench.launch import environment
from tests.perf import flops
from warehouse.errors import DlpulseError

# What one image's training step does: every position that a pool reads, then the winners of the two pools alone.
PARTS = {
    "conv1": 28 * 28 * 27 * 32,
    "conv2": 12 * 12 * 288 * 16,
    "dense": 5_760,
    "d_dense": 2 * 5_760,
    "d_conv2_kernel": 6 * 6 * 16 * 288,
    "d_conv2_input": 6 * 6 * 16 * 288,
    "d_conv1_kernel": 14 * 14 * 32 * 27,
}


@pytest.fixture(scope="module")
def toolchain() -> build.Toolchain:
    try:
        return build.find_toolchain(os.environ)
    except DlpulseError as error:
        pytest.fail(str(error)) if os.environ.get("CI") else pytest.skip(str(error))


@pytest.fixture(scope="module")
def program(toolchain: build.Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build.build(toolchain, pure_c.SOURCES, tmp_path_factory.mktemp("programs"))


def trained(program: Path, threads: int, batch_size: int, folder: Path) -> bytes:
    task, out = pure_c.invent(4 * batch_size, 0).write(folder / "task"), folder / f"out-{threads}"
    subprocess.run([program, "check", task, str(threads), str(batch_size), "3", out], check=True)
    return out.read_bytes()


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_five_steps_of_the_c_program_are_numpys(program: Path, threads: int, tmp_path: Path) -> None:
    assert dict(pure_c.LIMITS) == {"logits": 2e-6, "losses": 2e-6, "weights": 2e-6}
    pure_c.prove(program, threads, tmp_path)


@pytest.mark.parametrize("batch_size", [1, 32, 33, 128])
def test_the_first_logits_and_loss_of_any_batch_size_are_numpys(program: Path, batch_size: int, tmp_path: Path) -> None:
    task, out = pure_c.invent(batch_size, 0), tmp_path / "out"
    subprocess.run([program, "check", task.write(tmp_path / "task"), "2", str(batch_size), "1", out], check=True)
    found = np.fromfile(out, np.float32)
    exact = tuple(weight.astype(np.float32).astype(np.float64) for weight in task.weights)
    images, labels = task.images.astype(np.float64), task.labels.astype(np.int64)
    logits = found[: 10 * batch_size].reshape(-1, 10)
    assert np.max(np.abs(logits - reference.logits(exact, images))) < 2e-6
    assert abs(found[10 * batch_size] - reference.train_step(exact, images, labels, 0.125)[1]) < 2e-6


def test_a_run_repeats_to_the_bit_and_other_threads_change_only_the_rounding(program: Path, tmp_path: Path) -> None:
    first, again = (trained(program, 2, 9, tmp_path) for _ in range(2))
    assert first == again
    alone = np.frombuffer(trained(program, 1, 9, tmp_path), np.float32)
    assert np.max(np.abs(alone - np.frombuffer(first, np.float32))) < 1e-6


def test_the_multiply_adds_that_the_program_counts_are_the_formulas(toolchain: object, tmp_path: Path) -> None:
    parts = flops.counted(tmp_path)
    assert parts == PARTS
    forward = parts["conv1"] + parts["conv2"] + parts["dense"]
    # Positions that no pool reads: the outermost row and column of 13 x 13, and what only they would read of 30 x 30.
    unread = (900 - 784) * 27 * 32 + (169 - 144) * 288 * 16
    assert forward + unread == 1_562_112 == network.forward_multiply_adds()
    assert 2 * sum(parts.values()) == 3_718_656


def test_a_program_that_computes_something_else_is_refused(
    toolchain: build.Toolchain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = {name: (build.SOURCES / name).read_text("utf-8") for name in pure_c.SOURCES}
    # The pool forgets one of its four positions.
    wrong = sources["reference_cnn.c"].replace("position = 1; position < 4", "position = 1; position < 3")
    for name, text in {**sources, "reference_cnn.c": wrong}.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(build, "SOURCES", tmp_path)
    with pytest.raises(DlpulseError, match=r"^reference_cnn.c differs from numpy \(logits by .*\): not timed$"):
        pure_c.measure(toolchain, 1, tmp_path)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda whole: whole[:-1], "expected the weights, images and labels of 2 images, no more and no less"),
        (lambda whole: whole + b"x", "expected the weights, images and labels of 2 images, no more and no less"),
        (lambda whole: b"nothing" + whole[7:], "not a task: expected the mark dlpcnn1 and a number of images"),
        (lambda whole: whole[:-4] + b"\x0a\0\0\0", "label 10 of image 1, expected 0 to 9"),
        (lambda whole: b"", "not a task: expected the mark dlpcnn1 and a number of images"),
    ],
)
def test_a_damaged_file_gives_one_line_and_exit_code_2(
    program: Path, damage: object, told: str, tmp_path: Path
) -> None:
    path = pure_c.invent(2, 0).write(tmp_path / "task")
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    done = subprocess.run(
        [program, "train", "task", "1", "2", "1", "1"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"reference_cnn: task: {told}\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("odd task 1 1 1 1", "expected train|infer FILE THREADS BATCH SECONDS SAMPLES, check FILE"),
        ("train task 1 1 1", "expected train|infer FILE THREADS BATCH SECONDS SAMPLES, check FILE"),
        ("train absent 1 1 1 1", "cannot open absent"),
        ("train task 0 1 1 1", "threads 0, expected 1 to 256"),
        ("train task 1 3 1 1", "batch size 3, expected 1 to 2"),
        ("train task 1 x 1 1", "batch size x, expected 1 to 2"),
        ("count task 1 1", "count needs a build with -DCOUNT"),
    ],
)
def test_a_wrong_option_gives_one_line_and_exit_code_2(
    program: Path, arguments: str, told: str, tmp_path: Path
) -> None:
    pure_c.invent(2, 0).write(tmp_path / "task")
    done = subprocess.run([program, *arguments.split()], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(f"reference_cnn: {told}")


def test_every_bound_is_measured_with_all_its_samples(
    toolchain: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pure_c, "SECONDS", 0.01)
    monkeypatch.setattr(machine, "array_mib", lambda: 4)
    monkeypatch.setattr(matmul, "LIBRARIES", ("numpy",))
    answer = bounds.measure(threads=1, folder=tmp_path / "made")
    assert answer["circumstances"]["notes"] == []
    assert (answer["threads"], answer["circumstances"]["compiler"]) == (1, toolchain.version)  # type: ignore[attr-defined]
    units = {(one["bound"], one["phase"], one["metric"], one["unit"], one["batch_size"]) for one in answer["bounds"]}
    assert units == {
        ("matmul", "machine", "flops_per_s", "FLOP/s", None),
        ("fma", "machine", "flops_per_s", "FLOP/s", None),
        ("memory", "machine", "bytes_per_s", "B/s", None),
        *(
            ("pure_c", phase, "images_per_s", "images/s", size)
            for phase in ("training", "inference")
            for size in (1, 32, 128, 512)
        ),
    }
    assert all(len(one["samples"]) == 5 and min(one["samples"]) > 0 for one in answer["bounds"])
    assert all(one["value"] == sorted(one["samples"])[2] and "\n" not in one["how"] for one in answer["bounds"])
    assert sorted(path.name.split("-")[0] for path in (tmp_path / "made").iterdir()) == ["machine", "reference_cnn"]


def test_the_compiler_that_cc_names_reaches_the_worker_builds_the_bounds_and_is_told_without_its_folder(
    toolchain: build.Toolchain, tmp_path: Path
) -> None:
    compiler, called = tmp_path / "my-cc", tmp_path / "called"
    command = shlex.join(toolchain.command)
    compiler.write_text(
        f"#!/bin/sh\necho >>{called}\n"
        f'[ "$1" = --version ] && echo "my-cc 1.0 in {tmp_path}" && exit\nexec {command} "$@"\n'
    )
    compiler.chmod(0o700)
    outer = {"PATH": os.environ["PATH"], "CC": str(compiler), "CXX": str(compiler)}
    variables = environment(None, "stock", tmp_path, outer)
    assert (variables["CC"], "CXX" in variables) == (str(compiler), False)
    assert "CC" not in environment(ENGINES["pytorch"], "stock", tmp_path, outer)
    found = build.find_toolchain(variables)
    assert found.version == "my-cc 1.0 in PATH"
    build.build(found, machine.SOURCES, tmp_path / "made")
    assert called.read_text() == "\n\n"  # asked for its version, then to compile


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("/home/me/no-such-cc -m64", "no C compiler here (looked for no-such-cc; CC may name one)"),
        ("gcc 'x", "no C compiler here (CC cannot be read: No closing quotation)"),
    ],
)
def test_a_cc_that_cannot_be_used_gives_one_line_without_folders(command: str, line: str) -> None:
    with pytest.raises(DlpulseError) as failure:
        build.find_toolchain({"PATH": os.environ["PATH"], "CC": command})
    assert str(failure.value) == line


def test_without_a_compiler_the_matrix_multiply_is_still_measured_and_a_note_says_what_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matmul, "LIBRARIES", ("numpy",))
    monkeypatch.setenv("CC", "no-such-compiler")
    answer = bounds.measure(threads=1, folder=tmp_path)
    assert [one["bound"] for one in answer["bounds"]] == ["matmul"]
    assert answer["circumstances"]["notes"] == [
        "no C compiler here (looked for no-such-compiler; CC may name one): no pure_c, fma and memory"
    ]


def test_what_a_compiler_complains_of_becomes_one_line_and_leaves_no_file(
    toolchain: build.Toolchain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "odd.c").write_text("int main(void) { return missing; }\n")
    monkeypatch.setattr(build, "SOURCES", tmp_path)
    with pytest.raises(DlpulseError, match=r"^odd\.c: the compiler \S+ failed: odd\.c:1:25: error: .*missing[^\n]*$"):
        build.build(toolchain, ["odd.c"], tmp_path / "made")
    assert list((tmp_path / "made").iterdir()) == []


def test_a_program_is_compiled_once_for_the_same_source_and_flags(toolchain: build.Toolchain, tmp_path: Path) -> None:
    first = build.build(toolchain, machine.SOURCES, tmp_path)
    made = first.stat().st_mtime_ns
    assert build.build(toolchain, machine.SOURCES, tmp_path) == first
    assert first.stat().st_mtime_ns == made
    assert build.build(toolchain, machine.SOURCES, tmp_path, ("-O1",)) != first
