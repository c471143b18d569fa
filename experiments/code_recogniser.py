"""Why does the article's code recogniser reach 65.20%, and 92 to 95% on longer chunks? And what does the bundled data give?

The article trains on the first 500 chunks of its file and tests on the next 500. Here the same network is trained on splits of
whole stretches (chunks that follow each other in one language, so mostly of one file: the data does not say which file a
chunk is from) and of chunks drawn singly, on 200, 500 and 1000 characters; then on the bundled data, whose split is by file.

There is one split by file of the bundled data. It is set against many splits by chunk as one more draw of them, so that the scatter
of splits is in the interval: networks from other seeds on the same split say nothing about another split.

    python -m experiments.code_recogniser            some minutes; writes experiments/results/code_recogniser.*
    python -m experiments.code_recogniser --quick    seconds

Without the article's data (``bpnn reproduce`` says how to get it) only the bundled data is used.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

import manual
from bpnn_jax import Network, Patterns, article, init_paired, load_patterns, progress_bar, statistics, train_many
from bpnn_jax.patterns import files, load_held_out, scores
from experiments._common import Experiment, Options, functions
from experiments._recogniser_figure import CHARACTERS, plot
from experiments._report import INTERVALS, difference, holds, percent, points
from experiments._runs import Family, Runs, every, plain

QUESTION = (
    "Why does the article's code recogniser reach 65.20%, and how much of that is its split, how much its chunks?"
)
HELD_FIXED = (
    "Held fixed: online in file order, the article's rates and initial ranges, no hidden bias node, sigmoid, 300 "
    "epochs on the article's "
    "data and 100 on the bundled; 500 chunks to train with; the one split by file that the bundled data has. Freed: "
    "the split, the size "
    "of the chunks, the hidden nodes, the seed."
)
TRAIN = TEST = 500
SEEDS = 16  # networks per split: a block of lanes, so that fewer would cost the same
EPOCHS, EPOCHS_BUNDLED = 300, 100  # on the article's 500 patterns and on the bundled 2520
HIDDEN, USUAL = (2, 4, 8, 16, 32), 8
SPLITS, SPLITS_OF_MOST = 40, 20
KINDS = ("stretches", "chunks")


def measure(options: Options) -> tuple[Runs, dict[str, Any]]:
    splits, hidden, names = (2, (USUAL,), ["200"]) if options.quick else (SPLITS, HIDDEN, list(CHARACTERS))
    epochs, epochs_bundled = (30, 10) if options.quick else (EPOCHS, EPOCHS_BUNDLED)
    other: dict[str, Any] = {"splits": splits, "networks": SEEDS}
    parts: list[Runs] = []
    file = article.find_data()
    with progress_bar("code recogniser") as update:
        if file is not None:
            other["why"] = why(files.read(file))
            parts += on_article(file, names, splits, epochs, update)
        parts += bundled(hidden, splits, epochs_bundled, other, update)
    return Runs.joined(parts), other


def on_article(file: Path, names: list[str], splits: int, epochs: int, update: Any) -> list[Runs]:
    parts = []
    for k, name in enumerate(names):
        update(k, len(names) + 2, f"testdata.{name}")
        data = scaled(files.read(file.with_name(f"testdata.{name}")), CHARACTERS[name])
        parts.append(trained(*data[1:].split(TRAIN, TEST), USUAL, epochs, data=name, kind="in order", split=0))
        for kind in KINDS:
            for split, of in enumerate(drawn(data, kind, splits)):
                parts.append(trained(*of, USUAL, epochs, data=name, kind=kind, split=split))
    return parts


def why(data: Patterns) -> dict[str, Any]:
    """The article's own run, language by language."""
    learn, test = data[1:].split(TRAIN, TEST)
    result, rate = article.recogniser(data, hidden_bias=False)
    outputs = forward(result.network, result.weights, test.x)
    hit, language = scores.hits(outputs, test.t, 0.5), test.t.argmax(axis=1)
    counts = [np.bincount(part.t.argmax(axis=1), minlength=3).tolist() for part in (learn, test)]
    absent = counts[0].index(0)
    seen = language != absent
    return {
        "rate": rate,
        "train": counts[0],
        "test": counts[1],
        "absent": absent,
        "confusion": scores.confusion(outputs, test.t).tolist(),
        "of seen languages": plain(statistics.success_rate(hit[seen])),
        "of the absent": plain(statistics.success_rate(hit[~seen])),
    }


def bundled(hidden: tuple[int, ...], splits: int, epochs: int, other: dict[str, Any], update: Any) -> list[Runs]:
    """The bundled data: split by file as it comes, or chunk by chunk whatever the file; then more and fewer hidden nodes."""
    learn, test = load_patterns("code"), load_held_out("code")
    assert test is not None
    pool = Patterns(x=np.concatenate([learn.x, test.x]), t=np.concatenate([learn.t, test.t]), name="code")
    cuts = [cut(pool, at, len(learn), len(test)) for at in orders(len(pool), splits)]
    parts = []
    for n in hidden:
        update(None, None, f"bundled, {n} hidden nodes")
        parts.append(trained(learn, test, n, epochs, data="bundled", kind="by file", split=0))
    most = () if hidden[-1] == USUAL else (hidden[-1],)
    for n in (USUAL, *most):
        for split, of in enumerate(cuts[: SPLITS_OF_MOST if n in most else None]):
            update(split, splits, f"bundled, split by chunk, {n} hidden nodes")
            parts.append(trained(*of, n, epochs, data="bundled", kind="by chunk", split=split))
    usual = parts[hidden.index(USUAL)]
    middle = int(np.argsort(usual["largest"])[SEEDS // 2])
    other["languages"] = list(learn.outputs)
    other["confusion"] = confusion(learn, test, USUAL, epochs, middle)
    return parts


def confusion(learn: Patterns, test: Patterns, hidden: int, epochs: int, seed: int) -> list[list[int]]:
    """Of one network: how many chunks of each language had each output as the largest."""
    network, weights = _networks(learn, hidden, epochs)
    return scores.confusion(forward(network, tuple(W[seed] for W in weights), test.x), test.t).tolist()


def scaled(data: Patterns, characters: int) -> Patterns:
    """Inputs as in testdata.200, occurrences for every ten characters: those of testdata.500 are for every five."""
    smallest = data.x[data.x > 0].min()
    return Patterns(x=data.x * (10 / characters / smallest), t=data.t, name=data.name)


def trained(learn: Patterns, test: Patterns, hidden: int, epochs: int, **settings: Any) -> Runs:
    """``SEEDS`` networks on one split: the share of test patterns right, by the largest output and by the article's count."""
    network, weights = _networks(learn, hidden, epochs)
    found: dict[str, list[float]] = {"largest": [], "within": [], "training": []}
    for own in zip(*weights, strict=True):
        outputs = forward(network, own, test.x)
        found["largest"].append(scores.largest_output_rate(outputs, test.t))
        found["within"].append(float(scores.hits(outputs, test.t, 0.5).mean()))
        found["training"].append(scores.largest_output_rate(forward(network, own, learn.x), learn.t))
    columns = {name: np.array(of) for name, of in found.items()}
    return Runs.of(**settings, hidden=hidden, seed=np.arange(SEEDS), epochs=epochs, outcome="epochs", **columns)


def _networks(learn: Patterns, hidden: int, epochs: int) -> tuple[Network, tuple[np.ndarray, ...]]:
    network = Network((learn.x.shape[1], hidden, learn.t.shape[1]), hidden_bias=False)
    start = init_paired(network, "uniform", (0.2, 2.0), np.arange(SEEDS))
    result = train_many(
        network, learn.x, learn.t, seeds=SEEDS, weights=start, epochs=epochs, history_every=epochs, lanes=16
    )
    return network, result.weights


def forward(network: Network, weights: tuple, x: np.ndarray) -> np.ndarray:
    return manual.forward(tuple(np.asarray(W, np.float64) for W in weights), x, functions(network)).outputs


def drawn(data: Patterns, kind: str, splits: int) -> Iterator[tuple[Patterns, Patterns]]:
    """Random splits into 500 and 500, of chunks or of whole stretches; every language is on both sides."""
    ends = np.flatnonzero(np.diff(data.t.argmax(axis=1))) + 1
    pieces = np.split(np.arange(len(data)), ends) if kind == "stretches" else np.arange(len(data))[:, np.newaxis]
    for order in orders(len(pieces), 1000):
        chosen = [pieces[k] for k in order]
        until = int(np.searchsorted(np.cumsum([len(piece) for piece in chosen]), TRAIN)) + 1
        learn, test = (np.concatenate(part or [[]]).astype(int) for part in (chosen[:until], chosen[until:]))
        if len(test) < TEST:
            continue
        # What is left of the last stretch to train on is on neither side.
        parts = tuple(Patterns(x=data.x[at], t=data.t[at], name=data.name) for at in (learn[:TRAIN], test[:TEST]))
        if all(part.t.any(axis=0).all() for part in parts):
            yield shuffled(parts[0]), parts[1]
            splits -= 1
        if not splits:
            return


def orders(n: int, count: int) -> Iterator[np.ndarray]:
    return (np.random.default_rng(seed).permutation(n) for seed in range(count))


def cut(data: Patterns, at: np.ndarray, train: int, test: int) -> tuple[Patterns, Patterns]:
    """The first of an order to train on, the rest to test with."""
    parts = (at[:train], at[train : train + test])
    return tuple(Patterns(x=data.x[rows], t=data.t[rows], name=data.name) for rows in parts)  # type: ignore[return-value]


def shuffled(data: Patterns) -> Patterns:
    at = np.random.default_rng(0).permutation(len(data))
    return Patterns(x=data.x[at], t=data.t[at], name=data.name)


def summarise(runs: Runs, other: dict[str, Any]) -> dict[str, Any]:
    family = Family()
    found: dict[str, Any] = {"bundled": _bundled(runs.where(data="bundled"), family)}
    if "why" in other:
        found["article"] = {"why": other["why"], "sizes": {}}
        names = [name for name in runs.values("data") if name != "bundled"]
        means = {}
        for name in names:
            here = {kind: runs.where(data=name, kind=kind) for kind in ("in order", *KINDS)}
            found["article"]["sizes"][name] = {kind: rates(of) for kind, of in here.items()}
            means[name] = {kind: split_means(here[kind], "within") for kind in KINDS}
            apart = statistics.compare(means[name]["chunks"], means[name]["stretches"], paired=False)
            family.add(plain(apart), "chunks - stretches", name)
        if len(names) > 1:
            for kind in KINDS:
                apart = statistics.compare(means[names[-1]][kind], means[names[0]][kind], paired=False)
                family.add(plain(apart), "1000 - 200", kind)
    return found | {"comparisons": family.corrected()}


def _bundled(runs: Runs, family: Family) -> dict[str, Any]:
    by_file, by_chunk = (runs.where(kind=f"by {what}", hidden=USUAL) for what in ("file", "chunk"))
    means = split_means(by_chunk, "largest")
    family.add(many_against_one(means, float(by_file["largest"].mean())), "by chunk - by file")
    hidden = sorted(runs.where(kind="by file").values("hidden"))
    most = hidden[-1]
    if most != USUAL:
        more = split_means(runs.where(kind="by chunk", hidden=most), "largest")
        family.add(plain(statistics.compare(more, means[: len(more)])), "most - usual")
    nodes = [{"nodes": n, **rates(runs.where(kind="by file", hidden=n), training=True)} for n in hidden]
    return {"by file": rates(by_file), "by chunk": rates(by_chunk), "splits": len(means), "hidden": nodes}


def split_means(runs: Runs, what: str) -> np.ndarray:
    """The mean of each split's networks."""
    return runs[what].reshape(-1, SEEDS).mean(axis=1)


def many_against_one(many: np.ndarray, one: float) -> dict[str, Any]:
    """The mean of many splits minus that of one split, which is taken as one more draw with the scatter of the many.

    Student's t with n - 1 degrees of freedom on s √(1 + 1/n), the interval in which one more split would lie.

    >>> c = many_against_one(np.array([0.90, 0.92, 0.91, 0.93]), 0.90)
    >>> round(c["effect"], 4), c["low"] < 0 < c["high"]
    (0.015, True)
    """
    n, effect = len(many), float(many.mean() - one)
    error = float(many.std(ddof=1) * np.sqrt(1 + 1 / n))
    reach = float(stats.t.ppf(0.975, n - 1)) * error
    p = 2 * float(stats.t.sf(abs(effect) / error, n - 1))
    return {"effect": effect, "low": effect - reach, "high": effect + reach, "p": p, "n": n + 1}


def rates(runs: Runs, training: bool = False) -> dict[str, Any]:
    """Mean rates with intervals: over splits, with all their networks, where there are several; over networks where there is one."""
    groups = None if len(runs) == SEEDS else runs["split"]
    names = ("largest", "within", *(["training"] if training else []))
    return {name: plain(statistics.estimate(runs[name], groups=groups)) for name in names}


def answer(found: dict[str, Any]) -> str:
    b, c = found["bundled"], found["comparisons"]["by chunk - by file"]
    said = (
        f"on the bundled data 8 hidden nodes get {percent(b['by file']['largest'])} with whole files held out, and chunks of the same "
        f"files on both sides change that by {points(c, 'p_holm')}, against the scatter of {b['splits']} splits."
    )
    if "article" not in found:
        return f"The article's data is not here; {said}"
    whole = found["article"]["sizes"]["200"]["stretches"]["within"]
    return (
        f"It depends on the split: the article's {found['article']['why']['rate']:.2f}% is what a language leaves that "
        "is missing in its "
        f"training data; with all three on both sides its network gets {percent(whole)}; {said}"
    )


def details(found: dict[str, Any]) -> str:
    c, said = found["comparisons"], []
    if "article" in found:
        said += _about_the_article(found["article"], c)
    else:
        said.append("The article's data is not here; this is the bundled data alone.")
    b = found["bundled"]
    said.append(
        f"On the bundled data (largest output) 8 hidden nodes get {percent(b['by file']['largest'])} with whole files "
        "held out (one split, "
        f"interval over networks), and {percent(b['by chunk']['largest'])} with chunks of all files mixed "
        f"({b['splits']} splits). The one "
        f"split by file as one more draw of them: {points(c['by chunk - by file'], 'p_holm')}."
    )
    if "most - usual" in c:
        few, most = b["hidden"][0], b["hidden"][-1]
        said.append(
            f"With whole files held out {few['nodes']} hidden nodes get {percent(few['largest'])}, {most['nodes']} "
            f"{percent(most['largest'])}, of "
            f"the training chunks {percent(most['training'])}. Over {SPLITS_OF_MOST} splits by chunk {most['nodes']} nodes get "
            f"{points(c['most - usual'], 'p_holm')}, more than 8."
        )
    everything = every(c)
    said.append(
        f"Of {len(everything)} comparisons {sum(map(holds, everything))} stand after Holm's correction. {INTERVALS}"
    )
    return "\n".join(said)


def _about_the_article(a: dict[str, Any], c: dict[str, Any]) -> list[str]:
    w = a["why"]
    absent, total = w["test"][w["absent"]], sum(w["test"])
    said = [
        f"The article's {w['rate']:.2f}% is what a missing language leaves: {absent} of the {total} test chunks are in one that "
        f"none of the training chunks has. Of the others it gets {percent(w['of seen languages'])} right, of these "
        f"{percent(w['of the absent'])}."
    ]
    small = a["sizes"]["200"]
    mixed, whole = small["chunks"]["within"], small["stretches"]["within"]
    said.append(
        f"With all three on both sides, 200 characters give {percent(whole)} on other stretches of code and {percent(mixed)} on "
        f"chunks of the same ones ({points(c['chunks - stretches']['200'], 'p_holm')})."
    )
    if "1000 - 200" in c:
        large, middle = a["sizes"]["1k"], a["sizes"]["500"]
        chunk = c["1000 - 200"]["stretches"]
        of = {key: whole[key] - w["rate"] / 100 for key in ("low", "high")} | {
            "effect": whole["value"] - w["rate"] / 100
        }
        said.append(
            f"In the article's order 500 characters give {percent(middle['in order']['within'])} and 1000 "
            f"{percent(large['in order']['within'])}; other stretches {percent(middle['stretches']['within'])} and "
            f"{percent(large['stretches']['within'])}. So on the way from {w['rate']:.2f}% the missing language is "
            f"{difference(of, 1, 100)} points, the longer chunk {points(chunk, 'p_holm')}."
        )
    return said


EXPERIMENT = Experiment("code_recogniser", QUESTION, HELD_FIXED, measure, summarise, answer, details, {"": plot})

if __name__ == "__main__":
    EXPERIMENT.main()
