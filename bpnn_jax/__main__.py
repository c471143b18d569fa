"""``python -m bpnn_jax`` is ``bpnn``, and what the program ``bpnn`` begins with."""

import sys

from bpnn_jax._runtime import start

start.leave_quietly()

from bpnn_jax.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
