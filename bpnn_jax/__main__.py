"""``python -m bpnn_jax`` is ``bpnn``, and what the program ``bpnn`` begins with."""

import sys

from bpnn_jax._runtime import wall

wall.before_the_wall()  # importing the rest takes a while

from bpnn_jax.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
