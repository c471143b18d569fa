"""Ablation studies: what a choice in a network or its training changes, over many seeds.

>>> from bpnn_jax import ablation
>>> study = ablation.Study("xor", vary={"activation": ("sigmoid", "tanh")}, seeds=1000, epochs=2000)
>>> [arm.name for arm in study.arms]
['activation=sigmoid', 'activation=tanh']

``ablation.run(study, folder)`` trains what the folder does not have yet; docs/studies.md is the page about it.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bpnn_jax.ablation.results import Results
    from bpnn_jax.ablation.runner import read, run
    from bpnn_jax.ablation.study import Arm, Study
    from bpnn_jax.settings import Run

_HOME = {"Arm": "study", "Results": "results", "Run": "settings", "Study": "study", "read": "runner", "run": "runner"}

__all__ = ["Arm", "Results", "Run", "Study", "read", "run"]


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'bpnn_jax.ablation' has no attribute {name!r}")
    home = "bpnn_jax.settings" if name == "Run" else f"bpnn_jax.ablation.{_HOME[name]}"
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return __all__
