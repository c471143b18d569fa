"""``python -m bpnn_jax.verify.helper``: a process that climbs along (``helpers.py`` starts it).

Its first line of input are the options. Each other line is the number of a piece of work, and is answered with a line of rows. It
computes with the code on the disk, not with functions that were replaced in its parent.
"""

import json
import os
import sys
from contextlib import suppress
from typing import Any

from bpnn_jax import audit
from bpnn_jax.verify import ladder
from bpnn_jax.verify.helpers import say, told
from bpnn_jax.verify.networks import Options


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    given = json.loads(sys.stdin.readline())
    work = ladder.pieces(Options(**{name: _tuples(value) for name, value in given.items()}))
    with audit.reusing():
        for line in sys.stdin:
            _, piece = work[int(line)]
            say(answers, told(piece()))


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):  # its parent says so
        main()
