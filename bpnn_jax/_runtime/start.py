"""A command's first moments: until the wall stands (``_runtime.wall``), Ctrl-C ends the process without Python's traceback.

Imports nothing but what Python has imported by then. What comes before it - ``site``, and the script that pip makes - is Python's own.
"""

import os
import signal
import sys
from collections.abc import Sequence


def is_command(arguments: Sequence[str], python: Sequence[str], executable: str) -> bool:
    """Whether a process is the command ``bpnn``'s own, and not a program that imports the library.

    arguments: ``sys.argv``, while the package is imported. python: ``sys.orig_argv``. executable: ``sys.executable``.

    >>> is_command(["/venv/bin/bpnn", "verify"], ["/venv/bin/python", "/venv/bin/bpnn", "verify"], "/venv/bin/python")
    True
    >>> is_command(["-m", "verify"], ["python", "-X", "dev", "-m", "bpnn_jax", "verify"], "/venv/bin/python")
    True
    >>> is_command(["/home/me/bpnn"], ["python", "/home/me/bpnn"], "/venv/bin/python")
    False
    >>> is_command(["-m"], ["python", "-m", "pytest", "bpnn_jax"], "/venv/bin/python")
    False
    """
    if not arguments or not executable:
        return False
    if arguments[0] == "-m":
        return "-m" in python[:-1] and python[python.index("-m") + 1] == "bpnn_jax"
    folder, name = os.path.split(os.path.realpath(arguments[0]))
    return name.split(".")[0] == "bpnn" and folder == os.path.realpath(os.path.dirname(executable))


def leave_quietly() -> None:
    """Let Ctrl-C end this process at once, as the system does; not where a shell has it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def begin() -> None:
    """Do so if this process is the command's own."""
    if is_command(getattr(sys, "argv", ()), sys.orig_argv, sys.executable):
        leave_quietly()
