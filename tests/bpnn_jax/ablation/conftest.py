"""A study whose results are made up: nothing is trained, so that every state of one is at hand in no time."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from bpnn_jax.ablation import results
from bpnn_jax.ablation.results import Results
from bpnn_jax.ablation.study import Study


@pytest.fixture
def without(monkeypatch):
    """``without(package, ours)``: as where that package is not installed. Our package ``ours`` is imported anew, for one test."""
    put_back = []

    def leave_out(package, ours):
        def loaded():
            return [name for name in sys.modules if name == ours or name.startswith(f"{ours}.")]

        parent, _, name = ours.rpartition(".")
        put_back.append((loaded, {name: sys.modules[name] for name in loaded()}))
        for name_of_ours in loaded():
            del sys.modules[name_of_ours]
        monkeypatch.delattr(sys.modules[parent], name, raising=False)
        monkeypatch.setitem(sys.modules, package, None)

    yield leave_out
    for loaded, before in put_back:
        for name in loaded():
            del sys.modules[name]
        sys.modules.update(before)


@pytest.fixture(scope="session")
def made_up():
    """``made_up(vary, outcome=...)``: results and their summary. ``outcome`` is solved, epochs, diverged, or mixed.

    In a mixed study the later arms are solved sooner, and the last seeds in no arm but the last.
    """

    def make(vary, outcome="mixed", seeds=12, there=None, task="xor", epochs=100):
        study = Study(task, vary=vary, seeds=seeds, epochs=epochs, points=10)
        arms, rows = len(study.arms), np.arange(seeds)[:, None]
        when = np.broadcast_to(1 + (7 * rows + 3) % 40 + 50 // (1 + np.arange(arms)), (seeds, arms)).astype(np.int32)
        stopped = np.full((seeds, arms), outcome if outcome != "mixed" else "solved", "<U8")
        if outcome == "mixed":
            stopped[seeds // 2 :, : arms - 1] = "epochs"
        stopped[seeds if there is None else there :] = ""
        ended = np.where(stopped == "epochs", epochs, when)
        kept = np.array(study.history_epochs)
        curve = np.exp(-kept / 30) * (1 + rows[..., None] / seeds) * np.ones((1, arms, 1))
        history = np.where((kept < ended[..., None]) & (stopped != "")[..., None], curve, np.nan)
        error = np.where(stopped == "", np.nan, 0.05 + rows / 1000)
        found = Results(
            study=study,
            arms=tuple(arm.name for arm in study.arms),
            seeds=np.arange(seeds, dtype=np.uint32),
            stopped=stopped,
            epochs=np.where(stopped == "", 0, ended).astype(np.int32),
            error=np.where(stopped == "diverged", np.nan, error),
            history=history,
            history_epochs=kept,
            seconds=np.full((seeds, arms), 0.1),
            certificates={},
            chunks=2,
            chunks_done=2 if there is None else 1,
        )
        return found, results.summarise(found)

    return make


GRID = {"learning_rate": (0.1, 0.5), "momentum": (0, 0.9)}
TWELVE = {"activation": ("sigmoid", "tanh"), "hidden_bias": (False, True), "momentum": (0, 0.1, 0.9)}


@pytest.fixture(scope="session")
def states(made_up):
    """Every state in which somebody may ask for a report."""
    return {
        "twelve": made_up(TWELVE),
        "grid": made_up(GRID),
        "one": made_up({}),
        "unsolved": made_up(GRID, "epochs"),
        "diverged": made_up(GRID, "diverged"),
        "one diverged": made_up({}, "diverged"),
        "partial": made_up(GRID, there=5),
        "one seed": made_up(GRID, there=1),
        "nothing": made_up(GRID, there=0),
        "many": made_up({"learning_rate": tuple(range(1, 10))}, seeds=4),
    }


@pytest.fixture(scope="session")
def scored(made_up):
    """A study of test accuracy: the momentum makes much of it, the rate little, and both together nothing."""
    found, _ = made_up(GRID, "epochs")
    noise = np.sin(np.arange(12 * 4)).reshape(12, 4) / 100
    accuracy = 0.8 + np.array([0, 0.1, 0.01, 0.11]) + noise
    at = np.array(found.study.score_epochs)
    curves = accuracy[..., None] * (1 - np.exp(-(at + 1) / 20))
    found = replace(
        found,
        kinds=("classification",),
        scores={"test_accuracy": accuracy, "train_accuracy": accuracy + 0.01},
        curves={"test_accuracy": curves},
        curve_epochs=at,
        held_out=(70, 30),
    )
    return found, results.summarise(found)
