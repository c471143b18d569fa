"""``bpnn predict``: patterns through a saved network, told in the article's manner."""

import sys
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from bpnn_jax.commands.common import Count, File, Json, check_outputs, data_read, finish, naming, part, read_data
from bpnn_jax.errors import InputError


@dataclass(frozen=True)
class Predict:
    """Put patterns through a saved network: targets, errors, OK or FAIL for each, and the success rate."""

    model: Positional[Path]
    """A network saved by bpnn train --save."""
    data: Positional[str]
    """A file or a name, as for bpnn train. For "code" its held-out part."""
    targets: Count = None
    """How many of the last columns are targets, for a .csv without a header that says so."""
    skip: int = 0
    """Leave out the first so many patterns."""
    limit: Count = None
    """Take at most so many patterns."""
    json: Json = None
    """Write the results to this file as JSON."""
    out: File = None
    """For a network that has learnt a table: write the answers and outputs to this CSV file."""
    overwrite: bool = False
    """Replace what is at an output's place, even if bpnn did not write it."""


def run(options: Predict) -> int:
    from bpnn_jax._runtime.outputs import Output, Read
    from bpnn_jax.commands import answers
    from bpnn_jax.patterns import scores
    from bpnn_jax.storage import load_network
    from bpnn_jax.training import predict

    reads = [Read(options.model, "the model"), *data_read(options.data)]
    out = None if options.out is None else Output(options.out, "--out", answers.is_answers)
    check_outputs(out, json=options.json, reads=reads, overwrite=options.overwrite)
    saved = load_network(options.model)
    if saved.encoding is not None:
        with naming(options.data):
            return answers.predict(
                saved, saved.encoding, options.data, options.skip, options.limit, options.out, options.json
            )
    if options.out is not None:
        raise InputError(f"expected --out with a network that has learnt a table, got {options.model}")
    read = read_data(options.data, options.targets)
    data = read.held_out or read.patterns
    data = data[part(len(data), options.skip, options.limit)]
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
        "predict",
        {
            "success_rate": rate,
            "patterns": len(data),
            "outputs": [[float(o) for o in row] for row in outputs],
            "success": hits.tolist(),
        },
    )
    return 0
