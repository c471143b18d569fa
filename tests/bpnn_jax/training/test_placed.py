"""Where an engine runs on a machine that has a GPU."""

import jax
import pytest

from bpnn_jax import Network, load_patterns, train, train_many
from bpnn_jax.training import _blocks, _engines, _one

pytestmark = pytest.mark.quick_xla


@pytest.fixture
def seen(monkeypatch):
    """The default device at each call of a program, where JAX says that it has a GPU."""
    found = []
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    for module in (_one, _blocks):
        run = module._run

        def watched(*args, run=run):
            found.append(jax.config.jax_default_device)
            return run(*args)

        monkeypatch.setattr(module, "_run", watched)
    return found


CPU = jax.local_devices(backend="cpu")[0]
NETWORK, XOR = Network((2, 2, 1)), load_patterns("xor")


@pytest.mark.parametrize(("settings", "device"), [({}, CPU), ({"mode": "batch", "order": "article"}, None)])
def test_loops_that_are_written_out_run_on_the_cpu(seen, settings, device):
    train(NETWORK, XOR.x, XOR.t, epochs=2, **settings)
    assert set(seen) == {device}
    seen.clear()
    train_many(NETWORK, XOR.x, XOR.t, seeds=3, epochs=2, **settings)
    assert set(seen) == {device}


def test_a_device_that_the_user_set_counts(seen):
    with jax.default_device(jax.devices()[-1]):
        assert type(_engines.placed(True)).__name__ == "nullcontext"
    assert type(_engines.placed(True)).__name__ != "nullcontext"
