"""``python -m bpnn_jax`` is ``bpnn``."""

import sys

from bpnn_jax.cli import main

if __name__ == "__main__":
    sys.exit(main())
