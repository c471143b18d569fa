"""What the experiments share: their options, how they carry out a study, and how they word, keep and draw the results."""

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
from experiments._runs import Runs

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
    """Folder to keep the studies in; given again, it goes on from there."""
    summarise: bool = False
    """Train nothing: say and draw again from the runs that were kept beside the figure."""

    @property
    def folder(self) -> Path | None:
        return self.out or (None if self.quick else RESULTS)


@dataclass(frozen=True)
class Experiment:
    """A question and the way to its answer.

    held_fixed: what every run of it has in common, so that the answer holds there and says nothing beyond.
    measure:    trains; returns the runs, a row per run, and what is no run (``other``: JSON-serialisable).
    summarise:  from these, the numbers of the answer, the details and the figures.
    answer:     from the numbers, the answer in a sentence or two, with intervals: first what it depends on.
    details:    everything else that was computed, with intervals.
    plots:      from the numbers, the figures: "" is NAME.png, "readme" NAME.readme.png.
    options:    what its command takes: Options, or those and more.
    """

    name: str
    question: str
    held_fixed: str
    measure: Callable[[Options], tuple[Runs, dict[str, Any]]]
    summarise: Callable[[Runs, dict[str, Any]], dict[str, Any]]
    answer: Callable[[dict[str, Any]], str]
    details: Callable[[dict[str, Any]], str]
    plots: dict[str, Callable[[dict[str, Any]], "Figure"]]
    options: type[Options] = Options

    def run(self, options: Options) -> dict[str, Any]:
        """Print question, answer and details, and write NAME.json, NAME.parquet and the figures."""
        runs, other = self.measure(options)
        other = short(other)
        found = self.said(runs, other, options.quick)
        print(*(found[part] for part in ("question", "answer", "details", "held_fixed")), sep="\n\n")
        if options.folder is not None:
            options.folder.mkdir(parents=True, exist_ok=True)
            runs.write(options.folder / f"{self.name}.parquet")
            self.write(found, options.folder)
        return found

    def said(self, runs: Runs, other: dict[str, Any], quick: bool) -> dict[str, Any]:
        """What NAME.json holds."""
        numbers = short(self.summarise(runs, other))
        said = {"question": self.question, "answer": self.answer(numbers), "details": self.details(numbers)}
        return {**said, "held_fixed": self.held_fixed, "quick": quick, **numbers, "other": other}

    def again(self, folder: Path) -> dict[str, Any]:
        """What NAME.json should hold, from the runs that were kept in ``folder``."""
        kept = json.loads((folder / f"{self.name}.json").read_text())
        return self.said(Runs.read(folder / f"{self.name}.parquet"), kept["other"], kept["quick"])

    def write(self, found: dict[str, Any], folder: Path) -> None:
        """NAME.json, and the figures from it."""
        file = folder / f"{self.name}.json"
        file.write_text(json.dumps(found, indent=1, allow_nan=False) + "\n")
        self._draw(json.loads(file.read_text()), folder)

    def main(self) -> None:
        options = tyro.cli(self.options, description=self.question)
        if options.summarise:
            self.write(self.again(options.folder or RESULTS), options.folder or RESULTS)
        else:
            self.run(options)

    def _draw(self, found: dict[str, Any], folder: Path) -> None:
        import matplotlib

        matplotlib.use("Agg")
        for name, plot in self.plots.items():
            path = folder / f"{self.name}{name and '.'}{name}.png"
            plot(found).savefig(path, dpi=110, metadata={"Software": None})  # the same picture is the same file


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
