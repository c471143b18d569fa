"""``bpnn predict`` for a network that has learnt a table: the answer for each row, and the scores where targets are known."""

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bpnn_jax._runtime.files import write_atomically
from bpnn_jax._runtime.text import one_line, plain
from bpnn_jax.commands.common import finish, part
from bpnn_jax.commands.task_scores import scored, words
from bpnn_jax.patterns.encoding import Encoding

if TYPE_CHECKING:
    from bpnn_jax.storage import Saved

ANSWER = "answer"  # the first column of ``bpnn predict --out``


def is_answers(head: bytes, tail: bytes) -> bool:
    """Whether a file that begins so is one that ``predict`` wrote."""
    return head.startswith(f"{ANSWER},".encode())


def predict(
    saved: "Saved", encoding: Encoding, data: str, skip: int, limit: int | None, out: Path | None, json: Path | None
) -> int:
    """``bpnn predict`` for a table: the answer for each row, and the scores where the file has the targets."""
    from bpnn_jax._runtime.progress import console
    from bpnn_jax.patterns.formats import read_file
    from bpnn_jax.training import predict as outputs_of

    table, screen = read_file(data).table, console()
    table = table.rows(part(len(table), skip, limit))
    outputs = np.asarray(outputs_of(saved.network, saved.weights, encoding.inputs(table)), np.float64)
    answers, shown = encoding.answers(outputs), encoding.outputs(outputs)
    names = saved.outputs or tuple(f"output {k + 1}" for k in range(outputs.shape[1]))
    found: dict[str, Any] = {}
    rows = encoding.labelled(table)
    if len(rows):
        t = encoding.read(table.take(rows))[1]
        seen = (shown if encoding.kind == "regression" else outputs)[rows]
        found = scored(encoding.kind, lambda v: v, seen, t, t)
    if out is not None:
        write_atomically(out, _csv(names, answers, shown).encode())
    title = f"{encoding.learns} for {len(table)} rows: answer, and the outputs {', '.join(names)}"
    if lost := encoding.missing(table):
        where = ", ".join(f"{n} in {name}" for name, n in list(lost.items())[:5])
        note = f"note: {sum(lost.values())} missing cells ({where}) filled with the mean of training, for words the commonest"
        screen.print(one_line(note), markup=False, soft_wrap=True)
    screen.print(plain(title), markup=False, soft_wrap=True)
    for answer, row in zip(answers, shown.tolist(), strict=True):
        screen.print(f"{one_line(answer)}    {' '.join(f'{v:.4g}' for v in row)}", markup=False, soft_wrap=True)
    if found:
        screen.print(words(encoding.kind, found, len(rows)), markup=False, soft_wrap=True)
    told = {"patterns": len(table), "answers": answers, "outputs": shown.tolist(), "scores": found or None}
    finish(json, "predict", told)
    return 0


def _csv(names: tuple[str, ...], answers: list[str], outputs: np.ndarray) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([ANSWER, *names])
    writer.writerows([answer, *row] for answer, row in zip(answers, outputs.tolist(), strict=True))
    return text.getvalue()
