"""``bpnn doctor``: what a bug report should say of the machine and of what is installed."""

import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bpnn_jax.commands.common import Json, check_outputs, finish

PACKAGES = ("jax", "jaxlib", "numpy", "scipy", "optax", "sympy", "pyarrow", "safetensors", "tyro", "rich")
EXTRAS = {
    "report": ("altair", "vl-convert-python", "jinja2"),
    "ray": ("ray",),
    "figures": ("matplotlib",),
    "sklearn": ("scikit-learn",),
    "cuda": ("jax-cuda13-plugin",),
}
VARIABLES = ("BPNN_", "JAX_", "XLA_", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS")  # beginnings of names
ABSENT = "not installed"


@dataclass(frozen=True)
class Doctor:
    """Versions, devices, XLA's options, the compile cache and the folders of data: what a bug report needs."""

    json: Json = None
    """Write the results to this file as JSON."""
    overwrite: bool = False
    """Replace what is at an output's place, even if bpnn did not write it."""


def run(options: Doctor) -> int:
    check_outputs(json=options.json, overwrite=options.overwrite)
    found = report()
    from bpnn_jax._runtime.progress import console
    from bpnn_jax._runtime.text import one_line

    out = console()
    for title, rows in found.items():
        out.print(title)
        width = max((len(name) for name in rows), default=0)
        for name, value in rows.items():
            out.print(one_line(f"  {name:<{width}}  {value}"), soft_wrap=True)
    finish(options.json, "doctor", found)
    return 0


def report() -> dict[str, dict[str, Any]]:
    """Every section, each a name with what there is to say: text or numbers."""
    import bpnn_jax

    return {
        "machine": {
            "bpnn-jax": f"{bpnn_jax.__version__}, {Path(bpnn_jax.__file__).parent}",
            "Python": f"{platform.python_version()}, {sys.executable}",
            "system": platform.platform(),
            "processors": _processors(),
        },
        "packages": {name: _version(name) for name in PACKAGES},
        "extras": {name: _extra(packages) for name, packages in EXTRAS.items()},
        "JAX": _jax(),
        "environment": {n: v for n, v in sorted(os.environ.items()) if n.startswith(VARIABLES)},
        "compile cache": _cache(),
        "data": _data(),
    }


def _processors() -> str:
    from bpnn_jax._runtime import cores

    return f"{cores.available()} of {os.cpu_count()} for this process"


def _version(name: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ABSENT


def _extra(packages: tuple[str, ...]) -> str:
    return ", ".join(f"{name} {_version(name)}" for name in packages)


def _jax() -> dict[str, str]:
    try:
        import jax

        devices = [f"{device.platform} {device.device_kind}" for device in jax.devices()]
    except Exception as error:  # a driver that does not fit: this command is there to say so
        return {"devices": f"none, {type(error).__name__}: {error}"}
    return {"devices": ", ".join(devices), "x64": str(jax.config.read("jax_enable_x64"))}


def _cache() -> dict[str, Any]:
    from bpnn_jax._runtime import cache

    given = os.environ.get("JAX_COMPILATION_CACHE_DIR")
    path = Path(given) if given else cache.folder()
    if path is None:
        return {"folder": f"none, {cache.SWITCH} is off"}
    files = [file for file in path.glob("*") if file.is_file()] if path.is_dir() else []
    return {
        "folder": str(path),
        "programs": len(files),
        "megabytes": round(sum(f.stat().st_size for f in files) / 1e6, 1),
    }


def _data() -> dict[str, str]:
    from bpnn_jax import article, patterns

    found = article.find_data()
    return {
        "sets by name": str(Path(patterns.__file__).parent / "data"),
        article.DATA_FILE: "not found; BPNN_ARTICLE_DATA names its folder" if found is None else str(found.resolve()),
    }
