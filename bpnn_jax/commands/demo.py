"""``bpnn demo``: a tour. Check the derivation, repeat the article, audit a wrong gradient, train the code recogniser."""

from dataclasses import asdict

import jax.numpy as jnp
from rich.rule import Rule

from bpnn_jax import article, audit, cli, patterns, verify
from bpnn_jax._runtime.progress import console, progress_bar
from bpnn_jax.commands import reproduce as reproduce_command
from bpnn_jax.commands import train as train_command
from bpnn_jax.commands import verify as verify_command
from bpnn_jax.commands.common import check_outputs, finish
from bpnn_jax.errors import InputError
from bpnn_jax.patterns import scores
from bpnn_jax.storage import save_network

RECOGNISER = cli.Train(data="code", hidden=(8,), epochs=100, learning_rate=0.2, momentum=0.0)


def audit_example() -> audit.Report:
    """The README's example: a planted mistake, found, with its stage and its cause."""

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


def run(options: cli.Demo) -> int:
    check_outputs(options.json)
    try:
        options.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"expected a folder that can be made, got {options.folder}: {error.strerror}") from None
    model = options.folder / "code.safetensors"
    check_outputs(model)
    out = console()

    out.print(Rule("1. Is the hand-written derivation right? (sigmoid and tanh; all of it: bpnn verify)", align="left"))
    with progress_bar("checking the derivation") as update:
        report = verify.run(verify.Options(activations=("sigmoid", "tanh"), networks=20_000), update)
    verify_command.show(report, out)

    out.print(Rule("2. Does it give the numbers that the article prints? (bpnn reproduce)", align="left"))
    data = article.find_data()
    rows = article.rows(data)
    reproduce_command.show(rows, data is not None, out)

    out.print(Rule("3. And somebody else's gradient? One with 1 - a where 1 - a² is meant (bpnn audit)", align="left"))
    audited = audit_example()
    out.print(str(audited), markup=False)

    out.print(
        Rule("4. Which language is this? (bpnn train code --epochs 100 --learning-rate 0.2 --momentum 0)", align="left")
    )
    learn, test = patterns.load("code"), patterns.load_held_out("code")
    network = train_command.shape(RECOGNISER, learn)
    with progress_bar(f"training {network}") as update:
        result = train_command.fit(
            RECOGNISER, network, learn, lambda done, error: update(done, RECOGNISER.epochs, f"error {error:.4g}")
        )
    within = scores.tolerance(learn.t)
    train_score, test_score = (train_command.score(result, p, within) for p in (learn, test) if p is not None)
    train_command.show(result, learn, train_score, test, test_score, out)
    save_network(model, network, result.weights, inputs=learn.inputs, outputs=learn.outputs, tolerance=within)
    out.print(f"saved {model}; try: bpnn predict {model} code", markup=False)

    match = all(row.match for row in rows)
    found = audited.first_wrong_stage == "z"
    finish(
        options.json,
        {
            "verify": report.to_json(),
            "reproduce": {"match": match, "rows": [asdict(row) for row in rows]},
            "audit": audited.to_json(),
            "train": train_command.as_json(result, train_score, test_score),
        },
    )
    return 0 if report.verdict == "correct" and match and found else 1
