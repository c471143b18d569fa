"""``bpnn demo``: a short tour. Wrong derivations, a wrong gradient, the right derivation, the article, a training run."""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bpnn_jax.commands.common import Json, check_outputs, finish
from bpnn_jax.errors import InputError

if TYPE_CHECKING:
    from bpnn_jax.audit import Report
    from bpnn_jax.verify.checks import Check

WIDTH = 80
NAMES = {
    "(1)": "sigmoid",
    "(2)": "tanh",
    "(3)": "slope of the sigmoid",
    "(4)": "slope of tanh or a line",
    "(5)": "weighted sum z",
    "(6)": "activation a",
    "(7)": "error E",
    "(8)": "output delta",
    "(9)": "hidden delta",
    "(10)": "gradient of the weights",
    "(11)": "gradient of the bias",
    "(12)": "gradient of the inputs",
    "(17)": "further activations",
    "(18)": "slopes of softmax",
    "(19)": "cross-entropy's delta",
    "(20)": "weight decay",
    "(21)": "Quickprop",
    "(22)": "RPROP",
}
EXAMPLES = {  # of each equation's mistakes the one that says most to somebody who has never seen the catalogue
    "(3)": "sigmoid' = 1 - a",
    "(4)": "tanh with sigmoid's derivative",
    "(8)": "output delta without f'",
    "(9)": "the lost sum",
    "(10)": "mean for a sum",
    "(11)": "the lecture's ∂O/∂θ = 1",
    "(12)": "f' of the input layer",
    "(17)": "relu'(0) = 1",
    "(18)": "softmax's Jacobian, a sign",
    "(19)": "f' kept in (19)",
    "(20)": "decay on the bias row",
    "(21)": "parabola without limit",
    "(22)": "RPROP's sign kept",
}
ITERATIONS = (0, 500, 950)  # of the twenty whose error the article prints
RECOGNISER = {"learning_rate": 0.2, "momentum": 0.0, "epochs": 100}


@dataclass(frozen=True)
class Demo:
    """A tour in some ten seconds: mistakes caught, a wrong gradient audited, the right one checked, the article, a training."""

    folder: Path = Path("demo")
    """Where to put the trained network. Made if need be."""
    json: Json = None
    """Write the results to this file as JSON."""
    overwrite: bool = False
    """Replace what is at an output's place, even if bpnn did not write it."""


def run(options: Demo) -> int:
    from bpnn_jax._runtime.outputs import Output
    from bpnn_jax._runtime.progress import console
    from bpnn_jax.storage import is_network
    from manual.mistakes import MISTAKES

    check_outputs(json=options.json, overwrite=options.overwrite)
    try:
        options.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"expected a folder that can be made, got {options.folder}: {error.strerror}") from None
    model = options.folder / "code.safetensors"
    check_outputs(Output(model, "--folder", is_network), json=options.json, overwrite=options.overwrite)
    out, began = console(), time.perf_counter()

    results, right = {}, True
    for title, part in (
        (f"1. {len(MISTAKES)} wrong derivations that people make: is each one caught?", catalogue),
        ("2. A gradient with 1 - a where 1 - a² is meant: what does the auditor say?", wrong_gradient),
        ("3. The right derivation, beside JAX's derivatives in float64", derivation),
        ("4. The article's printed numbers, repeated", repeated),
        ("5. Which programming language is it? A network trained with this gradient", lambda: recogniser(model)),
        ("6. A table, its settings untouched: which iris is it?", table),
    ):
        out.print(f"── {title} ".ljust(WIDTH, "─"), style="bold")
        result, good, lines = part()
        out.print("\n".join(lines), soft_wrap=True)
        results |= result
        right &= good
    out.print(f"{'All as it should be' if right else 'NOT AS IT SHOULD BE'}, in {time.perf_counter() - began:.1f} s.")
    finish(options.json, "demo", results)
    return 0 if right else 1


def catalogue() -> tuple[dict, bool, list[str]]:
    """Every mistake in the place of the right equation, on one network: where does the comparison with JAX first fail?"""
    from bpnn_jax.verify import mistakes
    from manual.mistakes import MISTAKES

    judged = mistakes.judged_draws()
    found = {m.name: mistakes.first_wrong(m, judged[m.objective, mistakes.mistaken(m)]) for m in MISTAKES}
    lines = ["Each replaces the right one in turn, and every equation is compared with JAX's."]
    for equation, example in EXAMPLES.items():
        made = [m for m in MISTAKES if f"({m.equation})" == equation]
        caught = sum(found[m.name] == equation for m in made)
        lines.append(f"  {_named(equation)} {caught} of {len(made)}, such as: {example}")
    caught = sum(found[m.name] == f"({m.equation})" for m in MISTAKES)
    lines.append(f"{caught} of {len(MISTAKES)} caught at the equation where they go wrong (all by name: bpnn verify)")
    names = ("name", "expected", "caught_at", "why")
    rows = [dict(zip(names, (m.name, f"({m.equation})", found[m.name], m.why), strict=True)) for m in MISTAKES]
    return {"mistakes": rows}, caught == len(MISTAKES), lines


def wrong_gradient() -> tuple[dict, bool, list[str]]:
    """The README's example: a planted mistake, found, with its stage and its cause."""
    report = audit_example()
    (cause, *_) = [s.cause for s in report.stages if s.name == report.first_wrong_stage] or [""]
    numbers = next(
        (f.numbers for f in report.findings if "expected" in f.numbers),
        dict.fromkeys(("got", "expected"), float("nan")),
    )
    lines = [
        "  def gradient(w, x, t):               # of ½ Σ (tanh(x w) - t)²",
        "      a = jnp.tanh(x @ w)",
        "      return x.T @ ((a - t) * (1 - a))",
        f"{report.verdict.upper()}: one element is {numbers['got']:.6g} where {numbers['expected']:.6g} is right",
        *(f"  ∂E/∂{s.name}  {s.verdict}, error {s.error:.1e}, allowed {s.allowed:.1e}" for s in report.stages),
        f"  likely cause: {cause}   (bpnn audit MODULE:NAME audits yours)",
    ]
    return {"audit": report.to_json()}, report.first_wrong_stage == "z", lines


def audit_example() -> "Report":
    import jax.numpy as jnp

    from bpnn_jax import audit

    def loss(w, x, t):
        z = audit.stage("z", x @ w)
        a = audit.stage("a", jnp.tanh(z))
        return 0.5 * jnp.sum((a - t) ** 2)

    def gradient(w, x, t):
        a = jnp.tanh(x @ w)
        return x.T @ ((a - t) * (1 - a))

    stages = {
        "a": lambda cotangents, values, w, x, t: values["a"] - t,
        "z": lambda cotangents, values, w, x, t: cotangents["a"] * (1 - values["a"]),
    }
    w, x, t = jnp.full((3, 2), 0.1), jnp.linspace(-1, 1, 12).reshape(4, 3), jnp.zeros((4, 2))
    return audit.gradient(loss, gradient, w, x, t, stages=stages)


def derivation() -> tuple[dict, bool, list[str]]:
    """A proof for one small network, and (5) to (12) beside JAX at the network of the mistakes."""
    from bpnn_jax.network import Network
    from bpnn_jax.verify import proof
    from bpnn_jax.verify.checks import summarise

    proofs = [*proof.activations(), *proof.network(Network((2, 2, 1)))]
    proved = sum(p.proved for p in proofs)
    checks = summarise(3, "JAX float64", 2, _compared())
    lines = [
        f"SymPy proves {proved} of {len(proofs)} identities: for every z, and for a 2-2-1 network with",
        "any activation, weights, inputs and targets. On random ones, with rounding:",
        *(_row(c) for c in checks if c.equation in {f"({n})" for n in range(5, 13)}),
        "(more networks, 100 000 at once, in float32, compiled, in training: bpnn verify)",
    ]
    good = proved == len(proofs) and all(c.verdict == "correct" for c in checks)
    return {"proofs": [p._asdict() for p in proofs], "checks": [asdict(c) for c in checks]}, good, lines


def _compared() -> Iterator:
    from bpnn_jax.verify import mistakes, networks
    from bpnn_jax.verify.equations import compare

    for draw, exact, allowed in mistakes.judged_draws()["half-squared-error", networks.MISTAKEN]:
        yield from compare(draw, exact, allowed)


def repeated() -> tuple[dict, bool, list[str]]:
    """The article's own program, in float64: some of its numbers, and how many agree."""
    from bpnn_jax import article

    rows = article.rows(article.find_data())
    match = sum(row.match for row in rows)
    shown = [row for row in rows if row.what in {f"error at iteration {i}" for i in ITERATIONS}][: len(ITERATIONS)]
    lines = [f"  {row.what:<22}  article {row.published:<16}  ours {row.ours}" for row in shown]
    lines.append(f"{match} of {len(rows)} numbers agree, as far as float64 can tell (bpnn reproduce prints all)")
    return (
        {"reproduce": {"match": match == len(rows), "rows": [asdict(row) for row in rows]}},
        match == len(rows),
        lines,
    )


def recogniser(model: Path) -> tuple[dict, bool, list[str]]:
    """A network that tells programming languages apart, trained, tested on files it has not seen, and saved."""
    from bpnn_jax import patterns
    from bpnn_jax.network import Network
    from bpnn_jax.patterns import scores
    from bpnn_jax.storage import save_network
    from bpnn_jax.training import predict, train

    learn, test = patterns.load("code"), patterns.load_held_out("code")
    assert test is not None
    network = Network((learn.x.shape[1], *learn.hidden, learn.t.shape[1]))
    result = train(network, learn.x, learn.t, **RECOGNISER)
    within = scores.tolerance(learn.t)
    save_network(model, network, result.weights, inputs=learn.inputs, outputs=learn.outputs, tolerance=within)

    outputs = predict(network, result.weights, test.x)
    rate, counts = 100 * scores.largest_output_rate(outputs, test.t), scores.confusion(outputs, test.t)
    of_each = [
        f"{name} {100 * row[i] / row.sum():.0f}%"
        for i, (name, row) in enumerate(zip(test.outputs, counts, strict=True))
    ]
    lines = [
        f"{network}: {len(learn)} patterns, {RECOGNISER['epochs']} epochs in {result.seconds:.2f} s, after "
        f"{result.compile_seconds:.1f} s compiling",
        f"right on {rate:.1f}% of {len(test)} patterns that it has not seen:",
        f"  {', '.join(of_each)}",
        f"saved {model}; next: bpnn predict {model} code",
    ]
    found = {
        "network": str(network),
        "success_rate": 100 * float(scores.hits(outputs, test.t, within).mean()),
        "largest_output_rate": rate,
        "confusion": counts.tolist(),
        "seconds": result.seconds,
    }
    return {"train": found}, True, lines


def table() -> tuple[dict, bool, list[str]]:
    """Iris, three tenths of it held out, trained as ``bpnn train iris --test-share 0.3`` does."""
    from bpnn_jax.network import init
    from bpnn_jax.patterns import door, scores, tabular
    from bpnn_jax.settings import Run
    from bpnn_jax.training import predict, train

    task = door.open_set("iris").task
    assert task is not None
    data = tabular.prepare(task, "iris", test_share=0.3)
    assert data.test is not None
    usual = tabular.customary(task.kind, len(data.train))
    epochs, run = usual.pop("epochs"), Run(**usual)
    network = run.network(data.train)
    rates = run.rates(data.train)._replace(cutoff=0.0, tolerance=None)._asdict()
    settings = run.settings(epochs=epochs, history_every=epochs)
    first = init(network, 0, initial=run.initial)
    result = train(network, data.train.x, data.train.t, weights=first, settings=settings, **rates)
    rate = 100 * scores.largest_output_rate(predict(network, result.weights, data.test.x), data.test.t)
    lines = [
        f"{network}: {len(data.train)} flowers, {epochs} epochs in {result.seconds:.2f} s",
        f"right on {rate:.1f}% of {len(data.test)} flowers that it has not seen; next: bpnn train YOUR.csv",
    ]
    return {"table": {"network": str(network), "largest_output_rate": rate, "seconds": result.seconds}}, True, lines


def _named(equation: str) -> str:
    return f"{NAMES[equation]} {equation}".ljust(29)


def _row(check: "Check") -> str:
    verdict = "correct" if check.verdict == "correct" else f"WRONG at {check.where}"
    return f"  {_named(check.equation)} error {check.worst:.1e}, allowed {check.allowed:.1e}, {verdict}"
