"""What the experiments share: their options, how they carry out a study, and how they say, keep and draw what came out."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

import manual
from bpnn_jax import Network, progress_bar
from bpnn_jax.ablation import Results, Study
from bpnn_jax.ablation import run as carry_out

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Options:
    """How much to run, and where to write."""

    quick: bool = False
    """Few seeds and short runs, to see that it works: seconds. Writes nowhere unless --out says so."""
    out: Path | None = None
    """Folder for the results; by default experiments/results."""
    keep: Path | None = None
    """Folder to keep every single run in; given again, it goes on from there. Otherwise they are forgotten."""

    @property
    def folder(self) -> Path | None:
        return self.out or (None if self.quick else RESULTS)


@dataclass(frozen=True)
class Experiment:
    """A question and the way to its answer.

    compute: runs everything and returns what came out, in what JSON knows.
    answer:  from that, the answer in one sentence, with its intervals.
    details: from that, everything else that came out, with its intervals.
    plot:    from that, the figure: whatever is in the picture is in the file.
    """

    name: str
    question: str
    compute: Callable[[Options], dict[str, Any]]
    answer: Callable[[dict[str, Any]], str]
    details: Callable[[dict[str, Any]], str]
    plot: Callable[[dict[str, Any]], "Figure"]

    def run(self, options: Options) -> dict[str, Any]:
        """Print question, answer and details, and write NAME.json and NAME.png."""
        found = self.compute(options)
        said = {"question": self.question, "answer": self.answer(found), "details": self.details(found)}
        print(*said.values(), sep="\n\n")
        found = {**said, "quick": options.quick, **found}
        if options.folder is not None:
            options.folder.mkdir(parents=True, exist_ok=True)
            file = options.folder / f"{self.name}.json"
            file.write_text(json.dumps(found, indent=1, allow_nan=False) + "\n")
            self._draw(json.loads(file.read_text()), file.with_suffix(".png"))
        return found

    def main(self) -> None:
        self.run(tyro.cli(Options, description=self.question))

    def _draw(self, found: dict[str, Any], path: Path) -> None:
        import matplotlib

        matplotlib.use("Agg")
        figure = self.plot(found)
        figure.savefig(path, dpi=110, metadata={"Software": None})  # the same picture is the same file


def run(study: Study, options: Options, name: str) -> Results:
    """All runs of a study, with a bar; kept under ``options.keep / name`` if that is given."""
    with progress_bar(name) as update:
        if options.keep is not None:
            return carry_out(study, options.keep / name, progress=update)
        with tempfile.TemporaryDirectory() as folder:
            return carry_out(study, folder, progress=update)


def functions(network: Network) -> tuple[manual.Activation, ...]:
    """The hand derivation's activation of each layer.

    >>> [f.name for f in functions(Network((2, 2, 1), ("tanh", "sigmoid")))]
    ['tanh', 'sigmoid']
    """
    return tuple(manual.ACTIVATIONS[name] for name in network.activations)


def short(value: Any) -> Any:
    """Six digits are plenty for a picture; what is no number is None.

    >>> short({"a": [0.123456789, float("nan")]})
    {'a': [0.123457, None]}
    """
    if isinstance(value, dict):
        return {key: short(v) for key, v in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [short(v) for v in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if abs(value) < float("inf") else None
    return value
