"""What is public: each face's list of names is what it has, and nothing else; whose ``manual`` it is."""

import importlib.util
import inspect
import subprocess
import sys

import pytest

import bpnn_jax

EAGER = ("training", "patterns", "statistics")
if importlib.util.find_spec("sklearn"):  # an extra
    EAGER += ("sklearn",)
LAZY = ("bpnn_jax", "bpnn_jax.ablation", "bpnn_jax.audit", "bpnn_jax.verify")
FACES = (*LAZY, *(f"bpnn_jax.{name}" for name in EAGER))


def ours(thing):
    """A class or function that one of our modules defines."""
    return (inspect.isclass(thing) or inspect.isfunction(thing)) and thing.__module__.split(".")[0] == "bpnn_jax"


@pytest.mark.parametrize("name", FACES)
def test_every_name_on_the_list_is_there_and_says_what_it_is(name):
    face = importlib.import_module(name)
    assert len(set(face.__all__)) == len(face.__all__) > 0
    assert set(face.__all__) <= set(dir(face))
    for public in face.__all__:
        thing = getattr(face, public)
        if public.isupper():  # a constant
            continue
        assert ours(inspect.unwrap(thing)), public
        assert not public.startswith("_")
        assert inspect.getdoc(thing), f"{name}.{public} has no docstring"
        assert not inspect.getdoc(thing).startswith(f"{public}("), f"{name}.{public} has no docstring of its own"


@pytest.mark.parametrize("name", [f"bpnn_jax.{name}" for name in EAGER])
def test_every_name_that_is_there_is_on_the_list(name):
    face = importlib.import_module(name)
    there = {public for public, thing in vars(face).items() if not public.startswith("_") and ours(thing)}
    assert there == {public for public in face.__all__ if not public.isupper()}


@pytest.mark.parametrize("name", LAZY)
def test_a_lazy_face_has_no_other_names(name):
    face = importlib.import_module(name)
    with pytest.raises(AttributeError, match=f"module '{name}' has no attribute 'trian'"):
        face.trian  # noqa: B018
    assert not {public for public, thing in vars(face).items() if not public.startswith("_") and ours(thing)} - set(
        face.__all__
    )


def test_what_a_user_catches_is_public():
    with pytest.raises(bpnn_jax.InputError):
        bpnn_jax.Network((2,))
    assert set(dir(bpnn_jax)) == set(bpnn_jax.__all__)


@pytest.mark.parametrize("module", ["bpnn_jax.settings", "bpnn_jax.training", "bpnn_jax.verify"])
@pytest.mark.parametrize("other", ["manual.py", "manual"])
def test_another_manual_that_comes_first_is_named(tmp_path, module, other):
    if other.endswith(".py"):
        (tmp_path / other).write_text("")
    else:
        (tmp_path / other).mkdir()
        (tmp_path / other / "__init__.py").write_text("")
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import {module}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: expected bpnn_jax's own package 'manual', the derivation, got another module")
    assert str(tmp_path / other) in last
    assert "rename it" in last
