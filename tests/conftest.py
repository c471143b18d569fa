"""Strict JAX for every test, a compile cache for all of them, what only a deep run needs, and the one tolerance helper.

Profiles of hypothesis: quick, ci, deep by ``--hypothesis-profile``.
"""

import gc
import os
from pathlib import Path

# Before NumPy is there, and for the processes that tests start: on two cores the threads of two processes wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import hypothesis
import jax
import numpy as np
import pytest
from jax._src import compiler  # options for programs that tests do not compile themselves: nothing public takes them

from bpnn_jax.audit._compiling import quick

_compile_options = compiler.get_compile_options

os.environ["BPNN_COMPILE_CACHE"] = "off"  # for the commands that tests start: none reads or fills the user's own
ARTICLE_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"  # beside the checkout, where it is at hand
if ARTICLE_DATA.is_dir():
    os.environ.setdefault("BPNN_ARTICLE_DATA", str(ARTICLE_DATA))
gc.disable()  # until all is collected: a quarter of that time would be looking through what stays
# Filtered, each of the many errors that are caught costs a look at the file of every frame.
jax.config.update("jax_traceback_filtering", "off")
jax.config.update("jax_numpy_rank_promotion", "raise")
# bpnn_jax passes under "strict"; optax's own transformations do not all: where a test runs them itself, it says "standard".
jax.config.update("jax_numpy_dtype_promotion", "strict")


def pytest_configure(config):
    """What was compiled by another test process, or the last time, is not compiled again: most of the suite's time is XLA's.

    JAX keeps an entry under a hash of the program, the flags, the version and the CPU, so an old entry is never a wrong one.
    In the environment too, for the processes that tests start.
    """
    settings = {
        "jax_compilation_cache_dir": str(config.cache.mkdir("jax")),
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    for name, value in settings.items():
        if name.upper() not in os.environ:
            os.environ[name.upper()] = str(value)
            jax.config.update(name, value)


def pytest_collection_finish():
    """Modules and tests live to the end: the collector of cycles need not look through them again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
    gc.enable()


def pytest_collection_modifyitems(items):
    """Tests marked deep repeat with more cases, or at length, what a quicker one asserts. Those marked quick_xla come first.

    Examples in docstrings are: their digits are few.
    """
    for item in items:
        if isinstance(item, pytest.DoctestItem):
            item.add_marker("quick_xla")
    items.sort(key=lambda item: item.get_closest_marker("quick_xla") is None)
    if not os.environ.get("BPNN_DEEP"):
        for item in items:
            if item.get_closest_marker("deep"):
                item.add_marker(pytest.mark.skip(reason="at length: set BPNN_DEEP=1"))


for name, examples in (("quick", 25), ("ci", 100), ("deep", 3000)):
    hypothesis.settings.register_profile(name, max_examples=examples, deadline=None, derandomize=name != "deep")
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def _quickly(*args, **kwargs):
    """The options of one program, with those of an audit's own programs: a third of the time that JAX's switch alone leaves."""
    options = _compile_options(*args, **kwargs)
    options.env_option_overrides = [*options.env_option_overrides, *quick().items()]
    return options


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item):
    """A module marked quick_xla is compiled without optimisations, unless the run is deep. No program outlives a change of that."""
    leave_out = item.get_closest_marker("quick_xla") is not None and not os.environ.get("BPNN_DEEP")
    if leave_out != jax.config.read("jax_disable_most_optimizations"):
        quick()  # finds out which options there are by compiling with them
        jax.clear_caches()
        jax.config.update("jax_disable_most_optimizations", leave_out)
        compiler.get_compile_options = _quickly if leave_out else _compile_options
        os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = str(leave_out)  # for the processes that tests start


@pytest.fixture
def x64():
    """float64 for one test. Never set globally: the library promises to work under either setting, and to leave it alone."""
    with jax.enable_x64(True):
        yield


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


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium with one page (``tests.browser``). Skips, with the reason, where there is none."""
    from tests.browser import started

    page = started()
    yield page
    page.driver.quit()
