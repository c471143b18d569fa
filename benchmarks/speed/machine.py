"""What a figure was measured on: the CPU, the versions. No names of machines or people, and no date."""

import contextlib
import os
import platform
import sys
from importlib import metadata
from pathlib import Path

PACKAGES = ("bpnn-jax", "jax", "jaxlib", "numpy", "torch", "scikit-learn", "numba")


def machine() -> dict[str, object]:
    """The CPU's name, how many cores it has and this process may use, and what it can do at once."""
    about: dict[str, str] = {}
    with contextlib.suppress(OSError):  # there on Linux only
        for line in Path("/proc/cpuinfo").read_text("utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            about[name.strip()] = value.strip()
    flags = about.get("flags", about.get("Features", "")).split()
    vectors = [flag for flag in ("avx512f", "avx2", "fma", "asimd") if flag in flags]
    return {
        "cpu": about.get("model name") or platform.processor() or platform.machine(),
        "family_model": f"{about.get('cpu family', '?')}/{about.get('model', '?')}",
        "cores": os.cpu_count(),
        "vectors": vectors,
        "system": f"{platform.system()} {platform.machine()}",
    }


def versions() -> dict[str, str]:
    """Of Python and of every package that is here."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
