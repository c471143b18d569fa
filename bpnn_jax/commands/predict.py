"""``bpnn predict``: patterns through a saved network, told in the article's manner."""

import sys

from bpnn_jax import cli, patterns
from bpnn_jax.commands.common import check_outputs, finish, read_patterns
from bpnn_jax.errors import InputError
from bpnn_jax.patterns import scores
from bpnn_jax.storage import load_network
from bpnn_jax.training import predict


def run(options: cli.Predict) -> int:
    check_outputs(options.json, reads=[options.model, *([] if patterns.is_set_name(options.data) else [options.data])])
    saved = load_network(options.model)
    data = read_patterns(options.data, options.targets)
    data = patterns.load_held_out(options.data) or data
    if options.skip < 0 or options.skip >= len(data):
        raise InputError(f"expected skip from 0 to {len(data) - 1}, got {options.skip}")
    if options.limit is not None and options.limit < 1:
        raise InputError(f"expected limit as a whole number from 1 up, got {options.limit}")
    data = data[options.skip :][: options.limit]
    sizes = saved.network.sizes
    if data.x.shape[1] != sizes[0] or data.t.shape[1] != sizes[-1]:
        raise InputError(
            f"{options.data}: expected {sizes[0]} inputs and {sizes[-1]} targets for {saved.network}, "
            f"got {data.x.shape[1]} and {data.t.shape[1]}"
        )
    outputs = predict(saved.network, saved.weights, data.x)
    within = saved.tolerance
    hits = scores.hits(outputs, data.t, within)
    lines = []
    for t, output, hit in zip(data.t, outputs, hits, strict=True):
        misses = "".join(
            f"({abs(o - g):.3f} {'OK' if abs(o - g) < within else 'FAIL'})   " for o, g in zip(output, t, strict=True)
        )
        lines.append(
            f"Targets: [{', '.join(f'{g:g}' for g in t)}] -- Errors: {misses}-- {'SUCCESS!' if hit else 'FAILURE!'}"
        )
    rate = 100.0 * float(hits.mean())
    sys.stdout.write("\n".join([*lines, f"Success rate against test data: {rate:.2f}%"]) + "\n")
    finish(
        options.json,
        {
            "success_rate": rate,
            "patterns": len(data),
            "outputs": [[float(o) for o in row] for row in outputs],
            "success": hits.tolist(),
        },
    )
    return 0
