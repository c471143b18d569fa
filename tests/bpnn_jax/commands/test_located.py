"""``bpnn audit`` finds a rule by a file's name too, as part of its package, and takes plain numbers for what is static."""

import colorsys  # the standard library's, imported before
import sys

import numpy as np
import pytest

from bpnn_jax.commands.audit import example
from bpnn_jax.commands.located import find, module_source
from bpnn_jax.errors import InputError

KERNELS = '''# Copyright (c) somebody
"""Kernels."""

from __future__ import annotations

import functools

import jax

from ..act import squared


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def scaled(x, by=1.0):
    return squared(x) * by


scaled.defvjp(lambda x, by: (squared(x) * by, x), lambda by, x, g: (g * x * by,))
compiled = jax.jit(scaled, static_argnums=1)
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package whose module imports relatively; its modules are forgotten afterwards."""
    (tmp_path / "theirs" / "ops").mkdir(parents=True)
    for folder in ("theirs", "theirs/ops"):
        (tmp_path / folder / "__init__.py").write_text("")
    (tmp_path / "theirs" / "act.py").write_text("def squared(x):\n    return x * x\n")
    (tmp_path / "theirs" / "ops" / "kernels.py").write_text(KERNELS)
    (tmp_path / "colorsys.py").write_text("f = 1\n")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] == "theirs"]:
        del sys.modules[name]


def test_a_file_is_imported_as_part_of_its_package(package, monkeypatch):
    before = list(sys.path)
    by_module = find("theirs.ops.kernels:scaled")
    assert find("theirs/ops/kernels.py:scaled") is by_module
    assert find(f"{package}/theirs/ops/kernels.py:scaled") is by_module
    assert module_source("theirs/ops/kernels.py:scaled").samefile(package / "theirs" / "ops" / "kernels.py")
    monkeypatch.chdir(package / "theirs" / "ops")
    assert find("kernels.py:scaled") is by_module
    assert find("kernels:scaled") is by_module
    assert sys.path == before


def test_a_file_that_is_not_there_or_has_another_module_s_name(package):
    with pytest.raises(InputError, match="no such file"):
        find("theirs/none.py:scaled")
    assert colorsys.rgb_to_hsv
    with pytest.raises(InputError, match=r"whose name is not another module's, got 'colorsys.py:f', .*rename it"):
        find("colorsys.py:f")


def test_a_rule_behind_jit_with_a_static_number_is_audited_by_its_file(package, bpnn):
    """Half of the gradient of a square."""
    ran = bpnn("audit", "theirs/ops/kernels.py:compiled", "--args", "float32[3]", "0.5", "--no-mutate", "--no-explain")
    assert ran.code == 1
    assert "wrong-value" in ran.out
    ran = bpnn("audit", "theirs/ops/kernels.py:scaled", "--args", "float32[3]", "2", "3")
    assert "expected arguments that scaled(x, by) takes, got 3: too many positional arguments" in ran.err


def test_an_argument_is_a_shape_or_a_plain_number():
    assert [example(word, 0) for word in ("2", "-0.5", "True", "1e-5")] == [2, -0.5, True, 1e-5]
    assert isinstance(example("True", 0), bool)
    assert example("bool[4]", 0).dtype == np.bool_
    drawn = example("complex64[3]", 0)
    assert drawn.dtype == np.complex64
    assert drawn.imag.all()
    for word in ("float[3]", "f32[3]", "'sum'", "[1]"):
        with pytest.raises(InputError, match="expected an argument such as float32"):
            example(word, 0)
