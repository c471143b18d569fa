"""The options of XLA that make small loops fast: set by the import of bpnn_jax, unless the user has them, or told to come too late."""

import os

import jax
import numpy as np
import pytest

from bpnn_jax._runtime import xla
from bpnn_jax.network import Network
from bpnn_jax.training import train, train_many


def test_one_note_if_the_option_for_xla_came_too_late(monkeypatch):
    tiny, one = Network((1, 1)), np.ones((1, 1))
    kwargs = {"weights": [np.zeros((2, 1))], "epochs": 1}
    monkeypatch.setattr(xla, "too_late", True)
    with pytest.warns(xla.SpeedWarning, match="Import bpnn_jax before the first use of JAX") as warned:
        train(tiny, one, one, **kwargs)
    train(tiny, one, one, **kwargs)  # once is enough; warnings are errors here
    assert [w.filename for w in warned] == [__file__]
    monkeypatch.setattr(xla, "too_late", True)
    with pytest.warns(xla.SpeedWarning) as warned:
        train_many(tiny, one, one, seeds=2, **kwargs)
    assert [w.filename for w in warned] == [__file__]
    monkeypatch.setattr(xla, "too_late", True)
    train(tiny, one, one, mode="batch", gradient="autodiff", **kwargs)  # loses nothing worth a word


@pytest.mark.parametrize(
    ("running", "flags", "switch", "late"),
    [
        (True, "", "on", True),
        (False, "", "on", False),
        (True, "", "off", False),
        (True, "--xla_backend_extra_options=a=b", "on", False),
    ],
)
def test_when_the_option_is_lost(running, flags, switch, late, monkeypatch):
    monkeypatch.setattr(xla, "too_late", False)
    monkeypatch.setattr(xla, "jax_is_running", lambda: running)
    monkeypatch.setenv("XLA_FLAGS", flags)
    monkeypatch.setenv("BPNN_XLA_OPTION", switch)
    xla.set_options()
    assert xla.too_late is late


@pytest.mark.parametrize(
    ("flags", "switch", "found"),
    [
        ("", "on", f"{xla.SMALL_LOOPS} {xla.WIDE_VECTORS}"),
        ("--a=1", "on", f"--a=1 {xla.SMALL_LOOPS} {xla.WIDE_VECTORS}"),
        ("--xla_cpu_prefer_vector_width=256", "on", f"--xla_cpu_prefer_vector_width=256 {xla.SMALL_LOOPS}"),
        ("--xla_backend_extra_options=a=b", "on", f"--xla_backend_extra_options=a=b {xla.WIDE_VECTORS}"),
        (f"{xla.SMALL_LOOPS} {xla.WIDE_VECTORS}", "on", f"{xla.SMALL_LOOPS} {xla.WIDE_VECTORS}"),
        ("--a=1", "off", "--a=1"),
        ("flags.txt", "on", "flags.txt"),  # XLA reads the file
        (" ", "on", f"{xla.SMALL_LOOPS} {xla.WIDE_VECTORS}"),  # alone, XLA would take it for a file
    ],
)
def test_each_option_is_set_unless_the_user_has_it_or_wants_none(flags, switch, found, monkeypatch):
    monkeypatch.setattr(xla, "too_late", False)
    monkeypatch.setenv("XLA_FLAGS", flags)
    monkeypatch.setenv("BPNN_XLA_OPTION", switch)
    xla.set_options()
    assert os.environ["XLA_FLAGS"] == found


def test_jax_is_running_once_it_was_used():
    jax.numpy.zeros(1).block_until_ready()
    assert xla.jax_is_running()
