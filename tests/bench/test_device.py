"""What is kept of a machine: an identity that outlives releases of dlpulse, and circumstances without names."""

from __future__ import annotations

import getpass
import json
import math
import os
import platform
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bench import device
from bench.device import describe, device_id, telling

HARDWARE = {
    "machine": "x86_64",
    "cpu": "AMD EPYC",
    "cpu_series": "26-2-1",
    "cores": 2,
    "gpu": None,
    "memory_gib": 23.5,
}
FILES = {
    "proc/cpuinfo": "processor: 0\nmodel name: Some CPU\ncpu family: 6\nmodel: 85\nstepping: 7\n"
    "flags: sse avx2 hypervisor\n\nprocessor: 1\nmodel name: Other\n",
    "proc/meminfo": "MemTotal: 16777216 kB\nMemAvailable:    8388608 kB\n",
    "proc/self/cgroup": "0::/user.slice/bench\n",
    "sys/fs/cgroup/user.slice/cpu.max": "150000 100000\n",
    "sys/fs/cgroup/user.slice/bench/cpu.max": "max 100000\n",
    "sys/fs/cgroup/user.slice/bench/memory.max": "8589934592\n",
    "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
    "sys/devices/system/cpu/smt/active": "1\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_driver": "intel_pstate\n",
    "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq": "3900000\n",
    "sys/devices/system/cpu/intel_pstate/no_turbo": "1\n",
    "sys/devices/system/cpu/cpu0/cache/index0/level": "1\n",
    "sys/devices/system/cpu/cpu0/cache/index0/type": "Data\n",
    "sys/devices/system/cpu/cpu0/cache/index0/size": "32K\n",
    "sys/devices/system/node/node0/cpulist": "0-1\n",
    "sys/devices/system/node/node1/cpulist": "2-3\n",
    ".dockerenv": "",
}


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A root folder that tells of two sockets with one core of two threads each, in a control group of 1.5 cores."""
    places = {f"sys/devices/system/cpu/cpu{cpu}/topology": (cpu // 2, 0) for cpu in range(4)}
    topology = {
        f"{folder}/{name}": f"{value}\n"
        for folder, place in places.items()
        for name, value in zip(("physical_package_id", "core_id"), place, strict=True)
    }
    for name, content in (FILES | topology).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, "utf-8")
    return tmp_path


def silent(*command: str) -> None:
    """Answer like a machine without any of the tools."""


def one_gpu(*command: str) -> str | None:
    """Answer like nvidia-smi on a machine with two GPUs of a kind."""
    if command[0] != "nvidia-smi":
        return None
    if command == ("nvidia-smi",):
        return "| Driver Version: 550.54.15    CUDA Version: 12.4 |"
    return "\n".join(["NVIDIA H100" if "--query-gpu=name" in command else "NVIDIA H100, 81559, 550.54.15"] * 2)


def landed_id(hardware: dict[str, Any]) -> str:
    """The formula of the first release, which results already carry."""
    identity = {**hardware, "memory_gib": math.ceil(hardware["memory_gib"])}
    return sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]


def test_the_device_id_of_known_hardware_is_the_one_that_landed_results_carry() -> None:
    assert device_id(HARDWARE) == "df8bd7e71680"


def test_the_described_machine_has_the_id_that_the_first_release_gave_it() -> None:
    told = describe(())
    kept = {key: told[key] for key in ("machine", "cpu", "cpu_series", "cores", "memory_gib")}
    names = device.accelerators.ask("nvidia-smi", "--query-gpu=name", "--format=csv,noheader")
    gpu = ", ".join(names.splitlines()) if names else None
    assert told["device_id"] == landed_id({**kept, "gpu": gpu})


def test_two_gpus_enter_the_id_by_their_names_alone_as_they_always_did(machine: Path) -> None:
    told = describe((), root=machine, ask=one_gpu)
    kept = {key: told[key] for key in ("machine", "cpu", "cpu_series", "cores", "memory_gib")}
    assert told["device_id"] == landed_id({**kept, "gpu": "NVIDIA H100, NVIDIA H100"})
    assert (told["gpu"], told["gpu_driver"]) == ("NVIDIA H100, NVIDIA H100", "550.54.15")
    assert told["cuda_version"] == "12.4"
    assert [one["memory_mib"] for one in told["accelerators"]] == [81559, 81559]


def test_the_processor_is_told_with_caches_topology_frequency_and_huge_pages(machine: Path) -> None:
    told = describe((), root=machine, ask=silent, variables={})
    assert (told["cpu"], told["cpu_series"]) == ("Some CPU", "6-85-7")
    assert told["cpu_flags"] == ["avx2", "hypervisor", "sse"]
    assert told["caches"] == {"L1 Data": "32K"}
    assert told["topology"] == {
        "logical_cores": 4,
        "physical_cores": 2,
        "sockets": 2,
        "smt": True,
        "numa_nodes": 2,
    }
    assert told["frequency"] == {
        "governor": "powersave",
        "driver": "intel_pstate",
        "max_mhz": 3900,
        "boost": False,
    }
    assert told["transparent_hugepages"] == "madvise"


def test_the_tightest_limit_of_all_enclosing_control_groups_is_told(machine: Path) -> None:
    told = describe((), root=machine, ask=silent, variables={})
    assert told["cpu_quota_cores"] == 1.5
    assert told["memory_limit_gib"] == 8.0
    assert told["memory_available_gib"] == 8.0
    assert (told["container"], told["virtual"]) == ("docker", True)


@pytest.mark.parametrize("own", ["", "/docker/abc"])
def test_a_limit_of_control_groups_of_version_1_is_told_too(tmp_path: Path, own: str) -> None:
    # In a container the path that is told may be the host's, of which only the top is there.
    files = {"cpu.cfs_quota_us": "250000", "cpu.cfs_period_us": "100000"}
    for name, content in {f"sys/fs/cgroup/cpu/{name}": content for name, content in files.items()}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, "utf-8")
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(f"4:memory:/\n3:cpu,cpuacct:{own or '/'}\n0::/\n", "utf-8")
    told = describe((), root=tmp_path, ask=silent, variables={})
    assert (told["cpu_quota"], told["cpu_quota_cores"]) == ("250000 100000", 2.5)
    (tmp_path / "sys/fs/cgroup/cpu/cpu.cfs_quota_us").write_text("-1", "utf-8")
    assert describe((), root=tmp_path, ask=silent, variables={})["cpu_quota_cores"] is None


def test_a_quota_makes_threads_fewer_and_leaves_the_device_what_it_is(machine: Path, tmp_path_factory: Any) -> None:
    assert device.worthwhile_threads(machine) == min(2, device.usable_cores())
    (machine / "sys/fs/cgroup/user.slice/cpu.max").write_text("40000 100000\n", "utf-8")
    assert device.worthwhile_threads(machine) == 1
    assert device.worthwhile_threads(tmp_path_factory.mktemp("bare")) == device.usable_cores()
    assert describe((), root=machine, ask=silent, variables={})["cores"] == device.usable_cores()


def test_what_a_machine_does_not_tell_is_none_and_never_zero(tmp_path: Path) -> None:
    told = describe((), root=tmp_path, ask=silent, variables={})
    assert set(told["topology"].values()) == {None}
    assert set(told["frequency"].values()) == {None}
    absent = ("gpu", "gpu_driver", "cuda_version", "cpu_quota", "cpu_quota_cores", "memory_limit_gib", "container")
    assert {told[key] for key in absent} == {None}
    assert told["accelerators"] == []


def test_software_is_told_with_its_builds() -> None:
    told = describe(["numpy", "no-such-package"], ask=silent)
    assert told["versions"]["numpy"] == __import__("numpy").__version__
    assert "no-such-package" not in told["versions"]
    assert told["blas"]["blas name"]
    assert told["python_build"].startswith(platform.python_implementation())
    assert told["git_commit"] is None  # git was not there to be asked


def test_variables_that_change_results_are_kept_and_paths_in_them_cut() -> None:
    assert telling(
        {
            "OMP_WAIT_POLICY": "PASSIVE",
            "TF_ENABLE_ONEDNN_OPTS": "1",
            "GLIBC_TUNABLES": "glibc.malloc.trim_threshold=1",
            "CUDA_VISIBLE_DEVICES": "",
            "PYTHONHASHSEED": "0",
            "LD_PRELOAD": "/home/anna/lib/libjemalloc.so.2:/opt/x",
            "XLA_FLAGS": "--xla_dump_to=/home/anna/dump --xla_cpu_multi_thread_eigen=false",
            "TF_API_TOKEN": "hidden",
            "KERAS_HOME": "/home/anna",
            "PATH": "/bin",
            "USER": "anna",
        }
    ) == {
        "OMP_WAIT_POLICY": "PASSIVE",
        "TF_ENABLE_ONEDNN_OPTS": "1",
        "GLIBC_TUNABLES": "glibc.malloc.trim_threshold=1",
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONHASHSEED": "0",
        "LD_PRELOAD": "libjemalloc.so.2:PATH",
        "XLA_FLAGS": "--xla_dump_to=PATH --xla_cpu_multi_thread_eigen=false",
    }


def test_a_real_description_is_json_and_names_neither_host_nor_user_nor_folder() -> None:
    text = json.dumps(describe(["torch"]))
    names = {platform.node(), os.environ.get("HOME", ""), str(Path(__file__).parents[2]), str(Path.home())}
    words = names | ({getpass.getuser(), os.environ.get("USER", "")} - {"root"})
    assert [word for word in words - {""} if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text)] == []
