"""What a check looks at."""

from dataclasses import dataclass

from bpnn_jax.audit._executor import Executor
from bpnn_jax.audit._judge import Judged
from bpnn_jax.audit._options import Options
from bpnn_jax.audit._report import Stage


@dataclass(frozen=True)
class Seen:
    """A rule at its draws. ``usable`` are the draws at which the reference is finite, held to what rounding leaves of them."""

    execute: Executor
    options: Options
    judged: tuple[Judged, ...]
    usable: tuple[Judged, ...]
    stages: tuple[Stage, ...] = ()

    @property
    def last(self) -> Judged:
        """The draw at which a promise is looked at."""
        return self.usable[-1]
