"""``bpnn demo``: a tour. Check the derivation, repeat the article, train the code recogniser, save it."""

from dataclasses import asdict

from rich.rule import Rule

from bpnn_jax import cli, patterns, reproduce, verify
from bpnn_jax.commands import reproduce as reproduce_command
from bpnn_jax.commands import train as train_command
from bpnn_jax.commands import verify as verify_command
from bpnn_jax.commands.common import bar, check_outputs, console, finish
from bpnn_jax.errors import InputError
from bpnn_jax.storage import save_network

RECOGNISER = cli.Train(data="code", hidden=(8,), epochs=100, learning_rate=0.2, momentum=0.0)


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
    with bar("checking the derivation") as update:
        report = verify.run(verify.Options(activations=("sigmoid", "tanh"), networks=20_000), update)
    verify_command.show(report, out)

    out.print(Rule("2. Does it give the numbers that the article prints? (bpnn reproduce)", align="left"))
    data = reproduce.find_data()
    rows = reproduce.rows(data)
    reproduce_command.show(rows, data is not None, out)

    out.print(Rule("3. Which language is this? A network learns it from symbol counts (bpnn train code)", align="left"))
    learn, test = patterns.load("code"), patterns.load_held_out("code")
    network = train_command.shape(RECOGNISER, learn)
    with bar(f"training {network}") as update:
        result = train_command.fit(
            RECOGNISER, network, learn, lambda done, error: update(done, RECOGNISER.epochs, f"error {error:.4g}")
        )
    train_score, test_score = (train_command.score(result, p) for p in (learn, test) if p is not None)
    train_command.show(result, learn, train_score, test, test_score, out)
    save_network(model, network, result.weights, inputs=learn.inputs, outputs=learn.outputs)
    out.print(f"saved {model}; try: bpnn predict {model} code", markup=False)

    match = all(row.match for row in rows)
    finish(
        options.json,
        {
            "verify": report.to_json(),
            "reproduce": {"match": match, "rows": [asdict(row) for row in rows]},
            "train": train_command.as_json(result, train_score, test_score),
        },
    )
    return 0 if report.verdict == "correct" and match else 1
