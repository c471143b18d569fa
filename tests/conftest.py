"""Strict JAX for every test, hypothesis profiles (quick, ci, deep by ``--hypothesis-profile``), and the one tolerance helper."""

import json
import os
import time
from pathlib import Path

import hypothesis
import jax
import numpy as np
import pytest

os.environ["BPNN_COMPILE_CACHE"] = "off"  # for the commands that tests start: none reads or fills the user's own
jax.config.update("jax_numpy_rank_promotion", "raise")
# bpnn_jax passes under "strict"; optax's Adam does not, so tests that run it say ``jax.numpy_dtype_promotion("standard")``.
jax.config.update("jax_numpy_dtype_promotion", "strict")

for name, examples in (("quick", 25), ("ci", 100), ("deep", 3000)):
    hypothesis.settings.register_profile(name, max_examples=examples, deadline=None, derandomize=name != "deep")
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture
def x64():
    """float64 for one test. Never set globally: the library promises to work under either setting, and to leave it alone."""
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="session")
def ladder_report(tmp_path_factory):
    """``bpnn verify --sizes 2-2-1`` for tanh and sigmoid, climbed once for all workers: the first comes and the others wait."""
    from bpnn_jax import verify
    from bpnn_jax.verify.checks import Caught, Check

    def climb() -> dict:
        options = verify.Options(sizes=(2, 2, 1), activations=("tanh", "sigmoid"), hidden_bias=True, networks=2000)
        with jax.numpy_dtype_promotion("standard"):
            return verify.run(options).to_json()

    found = once_for_all_workers(tmp_path_factory, "ladder", climb)
    return verify.Report(tuple(Check(**c) for c in found["checks"]), tuple(Caught(**m) for m in found["mistakes"]))


def once_for_all_workers(tmp_path_factory, name, make):
    """What ``make`` returns, in what JSON knows, made by one worker of pytest-xdist and read by the others."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return make()
    folder: Path = tmp_path_factory.getbasetemp().parent
    file = folder / f"{name}.json"
    try:
        (folder / f"{name}.lock").touch(exist_ok=False)
    except FileExistsError:
        until = time.monotonic() + 600
        while not file.exists():
            assert time.monotonic() < until, f"another worker began {name} and never ended"
            assert not (folder / f"{name}.failed").exists(), f"another worker could not make {name}"
            time.sleep(0.1)
        return json.loads(file.read_text())
    try:
        made = make()
    except BaseException:
        (folder / f"{name}.failed").touch()
        raise
    (folder / f"{name}.part").write_text(json.dumps(made))
    (folder / f"{name}.part").rename(file)
    return json.loads(file.read_text())


@pytest.fixture(scope="session")
def assert_within():
    """Every leaf of ``got`` has the shape of ``expected``, is finite, and is off by no more than ``allowed``, elementwise."""

    def check(got, expected, allowed):
        got, expected = jax.tree.leaves(got), jax.tree.leaves(expected)
        allowed = jax.tree.leaves(allowed)
        allowed = allowed * len(expected) if len(allowed) == 1 else allowed
        assert len(got) == len(expected) > 0
        for leaf, (g, e, limit) in enumerate(zip(got, expected, allowed, strict=True)):
            g, e, limit = np.asarray(g), np.asarray(e), np.broadcast_to(limit, np.shape(e))
            assert g.shape == e.shape, f"leaf {leaf}: expected shape {e.shape}, got {g.shape}"
            wrong = ~(abs(g - e) <= limit)  # a NaN is wrong
            assert not wrong.any(), f"leaf {leaf}: got {g[wrong]}, expected {e[wrong]} within {limit[wrong]}"

    return check
