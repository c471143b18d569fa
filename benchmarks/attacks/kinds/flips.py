"""Every byte of every kind of file, flipped: the same numbers, or a word."""

import random
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.attacks.attack import Attack
from benchmarks.attacks.ground import Ground

KIND = "flips"
BLOCKS = 16  # attacks a file


def attacks(ground: Ground, step: int = 1) -> Iterator[Attack]:
    """``step``: only every so many bytes."""
    files: list[tuple[str, Callable[[], Any]]] = [
        ("net.safetensors", _model),
        ("s/study.json", _study),
        ("s/patterns.npz", _study),
        ("s/certificates.json", _study),
        (ground.chunks()[0], _study),
        ("d.npz", lambda: _patterns("d.npz")),
    ]
    for name, read in files:
        size = (ground.at / name).stat().st_size
        edges = [size * i // BLOCKS for i in range(BLOCKS + 1)]
        for start, stop in pairwise(edges):
            yield Attack(
                KIND, f"{Path(name).suffix} {Path(name).stem[:12]}, bytes {start} to {stop - 1}",
                _flipper(name, read, range(start, stop, step)), status=(0,), seconds=600, writes=(name,),
            )  # fmt: skip


def _flipper(name: str, read: Callable[[], Any], places: range) -> Callable[[], None]:
    def work() -> None:
        from bpnn_jax import InputError

        good, usual = Path(name).read_bytes(), read()
        assert not usual[-1], usual
        for at in places:
            for mask in (1 << random.Random(at).randrange(8), 0xFF):
                flipped = bytearray(good)
                flipped[at] ^= mask
                Path(name).write_bytes(flipped)
                try:
                    got = read()
                except InputError:
                    continue
                if got[:-1] != usual[:-1] and not got[-1]:
                    raise AssertionError(f"{name}, byte {at}, {mask:#x}: other numbers, without a word")
        Path(name).write_bytes(good)

    return work


def _model() -> tuple:
    from bpnn_jax import load_network

    found = load_network("net.safetensors")
    return str(found.network), [W.tobytes() for W in found.weights], found.inputs, found.outputs, found.tolerance, ()


def _study() -> tuple:
    from bpnn_jax import ablation

    complaints: list[str] = []
    found = ablation.read("s", complaints)
    return found.sha256, repr(found.certificates), repr(found.study), complaints


def _patterns(name: str) -> tuple:
    from bpnn_jax import load_patterns

    found = load_patterns(f"./{name}")
    return found.x.tobytes(), found.t.tobytes(), ()
