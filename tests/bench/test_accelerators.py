"""What the vendors' tools tell, as real executables on PATH and as recorded answers; and which device a run takes."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.accelerators import CPU, Accelerator, Ask, choose, cuda_version, detect, lacks_bfloat16
from bench.engines import ENGINES
from warehouse.errors import BadInputError, DlpulseError

CUDA = Accelerator("cuda", "NVIDIA H100 80GB HBM3", 81559, "550.54.15")
ROCM = Accelerator("rocm", "AMD Instinct MI300X", 196592, "6.8.5")
MPS = Accelerator("mps", "Apple M3", 24576)
GPU_LIBRARIES = {"torch": "2.13.0", "tensorflow": "2.21.0", "keras": "3.15.1"}
NVIDIA_SMI = """#!/bin/sh
case "$*" in
*compute_cap*) printf '9.0\n8.0\n';;
*name,memory*) printf 'NVIDIA H100 80GB HBM3, 81559, 550.54.15\\nGPU, with a comma, [N/A], 550.54.15\\n';;
*) printf '| NVIDIA-SMI 550.54.15    Driver Version: 550.54.15    CUDA Version: 12.4     |\\n';;
esac
"""
ROCM_SMI = """#!/bin/sh
echo '{"card0": {"Card Series": "AMD Instinct MI300X", "VRAM Total Memory (B)": "206141652992"},
 "card1": {"Card model": "0x740f"}, "system": {"Driver version": "6.8.5"}}'
"""
ROCMINFO = """#!/bin/sh
cat <<'END'
HSA Agents
*******
Agent 1
*******
  Marketing Name:          AMD EPYC 9654
  Device Type:             CPU
*******
Agent 2
*******
  Name:                    gfx1100
  Marketing Name:          AMD Radeon RX 7900 XTX
  Device Type:             GPU
END
"""
FAILING = "#!/bin/sh\necho 'NVIDIA-SMI has failed because it could not communicate with the driver'\nexit 9\n"


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH but for the shell's own."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.defpath}")
    return tmp_path


def put(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(script, "utf-8")
    (folder / name).chmod(stat.S_IRWXU)


def linux() -> list[Accelerator]:
    return detect(system="Linux", machine="x86_64")


def test_nvidia_smi_tells_name_memory_and_driver_and_what_it_cannot_tell_is_none(tools: Path) -> None:
    put(tools, "nvidia-smi", NVIDIA_SMI)
    assert linux() == [CPU, CUDA, Accelerator("cuda", "GPU, with a comma", None, "550.54.15")]
    assert cuda_version() == "12.4"


def test_rocm_smi_tells_every_card_however_it_spells_its_keys(tools: Path) -> None:
    put(tools, "rocm-smi", ROCM_SMI)
    put(tools, "rocminfo", ROCMINFO)
    assert linux() == [CPU, ROCM, Accelerator("rocm", "0x740f", None, "6.8.5")]


def test_without_rocm_smi_rocminfo_names_the_gpus_and_not_the_cpus(tools: Path) -> None:
    put(tools, "rocminfo", ROCMINFO)
    assert linux() == [CPU, Accelerator("rocm", "AMD Radeon RX 7900 XTX")]


@pytest.mark.parametrize("script", [FAILING, "#!/bin/sh\necho nonsense\n", "#!/bin/sh\necho '[1]'\n"])
def test_tools_that_fail_or_talk_nonsense_give_the_cpu_alone(tools: Path, script: str) -> None:
    for name in ("nvidia-smi", "rocm-smi", "rocminfo"):
        put(tools, name, script)
    assert linux() == [CPU]
    assert cuda_version() is None


def test_apple_silicon_has_metal_and_an_intel_mac_has_not() -> None:
    told: Ask = lambda *command: {"machdep.cpu.brand_string": "Apple M3", "hw.memsize": "25769803776"}.get(command[-1])  # noqa: E731
    assert detect(told, system="Darwin", machine="arm64") == [CPU, MPS]
    assert detect(told, system="Darwin", machine="x86_64") == [CPU]


def test_bfloat16_is_offered_where_the_hardware_multiplies_it(tools: Path) -> None:
    put(tools, "nvidia-smi", NVIDIA_SMI)
    put(tools, "rocminfo", ROCMINFO)
    assert [lacks_bfloat16(kind, ()) for kind in ("cuda", "rocm")] == [None, None]
    assert [lacks_bfloat16("cpu", ("fma", flag)) for flag in ("avx512_bf16", "amx_bf16", "bf16")] == [None] * 3


def test_bfloat16_is_refused_with_what_each_device_tells(tools: Path) -> None:
    flags = ("avx2", "avx512f", "svebf16x")
    assert lacks_bfloat16("cpu", flags) == "this CPU tells none of the flags avx512_bf16, amx_bf16, bf16"
    takes = "that takes compute capability 8.0, and nvidia-smi tells"
    assert lacks_bfloat16("cuda", ("amx_bf16",)) == f"{takes} none"
    put(tools, "nvidia-smi", "#!/bin/sh\nprintf '8.6\\n7.5\\n[N/A]\\n'\n")
    assert lacks_bfloat16("cuda", ()) == f"{takes} 7.5, [N/A]"
    assert lacks_bfloat16("rocm", ()) == "rocminfo tells no GPU, not known to have it"
    put(tools, "rocminfo", ROCMINFO.replace("gfx1100", "gfx1030"))
    assert lacks_bfloat16("rocm", ()) == "rocminfo tells gfx1030, not known to have it"
    assert lacks_bfloat16("mps", ("bf16",)) == "nothing tells whether an Apple GPU has it"


def pick(requested: str, found: list[Accelerator], *engines: str, **installed: str) -> str:
    versions: Mapping[str, str] = {name.replace("_", "-"): version for name, version in installed.items()}
    return choose(requested, found, *(ENGINES[name] for name in engines), installed=lambda: versions or GPU_LIBRARIES)


def test_auto_takes_the_first_accelerator_that_every_engine_knows() -> None:
    assert pick("auto", [CPU, CUDA], "pytorch", "keras-tensorflow") == "cuda"
    assert pick("auto", [CPU, MPS], "pytorch") == "mps"
    assert pick("auto", [CPU, MPS], "pytorch", "keras-tensorflow") == "cpu"
    assert pick("auto", [CPU], "pytorch") == "cpu"


def test_auto_stays_on_the_cpu_when_one_library_is_built_for_it_alone() -> None:
    assert pick("auto", [CPU, CUDA], "pytorch", torch="2.13.0+cpu") == "cpu"
    assert pick("auto", [CPU, CUDA], "pytorch", torch="2.13.0+cu130") == "cuda"
    assert pick("auto", [CPU, CUDA], "tensorflow", tensorflow_cpu="2.21.0") == "cpu"
    assert pick("auto", [CPU, CUDA], "jax", jax="0.10.2") == "cpu"
    assert pick("auto", [CPU, CUDA], "jax", jax="0.10.2", jax_cuda13_plugin="0.10.2") == "cuda"
    assert pick("auto", [CPU, ROCM], "pytorch", torch="2.13.0") == "cpu"
    assert pick("auto", [CPU, ROCM], "pytorch", torch="2.13.0+rocm7.1") == "rocm"


@pytest.mark.parametrize(
    ("requested", "found", "engine", "line"),
    [
        ("cuda", [CPU, MPS], "pytorch", "no NVIDIA GPU was found: nvidia-smi is missing or lists none; "),
        ("rocm", [CPU], "pytorch", "no AMD GPU was found: rocm-smi and rocminfo are missing or list none; "),
        ("mps", [CPU], "pytorch", "there is no Metal GPU: that takes macOS on Apple silicon; this machine has cpu"),
        ("mps", [CPU, MPS], "jax", "jax runs on cpu, cuda, rocm only; leave it out with --engine"),
        ("rocm", [CPU, ROCM], "pytorch", "pytorch has torch 2.13.0, which cannot use it; install the build for it"),
    ],
)
def test_a_device_that_is_not_there_or_not_known_to_an_engine_is_refused_in_one_line(
    requested: str, found: list[Accelerator], engine: str, line: str
) -> None:
    with pytest.raises(DlpulseError) as refusal:
        pick(requested, found, engine)
    assert str(refusal.value).startswith(f"--device {requested}: {line}")
    assert not isinstance(refusal.value, BadInputError)


def test_a_word_that_names_no_kind_is_answered_with_the_nearest() -> None:
    with pytest.raises(BadInputError, match="--device 'cud' is no kind of device; did you mean cuda"):
        pick("cud", [CPU], "pytorch")


def test_asking_for_devices_imports_no_framework() -> None:
    import subprocess

    script = (
        "import sys; from bench import accelerators as a; from bench.engines import ENGINES; "
        "a.choose('auto', a.detect(), *ENGINES.values()); "
        "print(sorted({'torch', 'tensorflow', 'jax', 'keras'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout == "[]\n"
