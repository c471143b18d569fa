"""Back-propagation derived by hand, held against JAX: networks, training, and the ladder of trust.

``import bpnn_jax`` is cheap: a name is imported from its module when it is first used, so that ``bpnn --help`` needs no JAX. The names
are declared in ``__init__.pyi``.
"""

from bpnn_jax._runtime import start

start.begin()  # before anything that takes time

from bpnn_jax._runtime import forks, lazy, xla  # noqa: E402

__version__ = "0.3.0"

__getattr__, __dir__, __all__ = lazy.attach(__name__, __file__)

xla.set_options()
forks.watch()
