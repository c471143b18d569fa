"""``python -m bpnn_jax`` is ``bpnn``, and what the program ``bpnn`` begins with."""

import signal
import sys

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where a shell has it ignored
    signal.signal(
        signal.SIGINT, signal.SIG_DFL
    )  # until the wall stands, Ctrl-C ends the process without Python's traceback

from bpnn_jax.cli import main

if __name__ == "__main__":
    sys.exit(main())
