"""One option for XLA's CPU backend, set before JAX starts it: small loops are compiled into a single function.

Without it the runtime dispatches every fused operation of a loop body on its own, which costs an online update of a 20-8-3
network several times its arithmetic (``benchmarks/train_article.py`` prints both). ``BPNN_XLA_OPTION=off`` leaves XLA alone, and
so does any ``xla_backend_extra_options`` of the user's own.
"""

import os

OPTION = "--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=100000000"


def set_small_loop_option() -> None:
    flags = os.environ.get("XLA_FLAGS", "")
    if os.environ.get("BPNN_XLA_OPTION", "on") != "off" and "xla_backend_extra_options" not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {OPTION}".strip()
