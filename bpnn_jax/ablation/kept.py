"""The files that a study's folder has beside its chunks: patterns, certificates, a summary. Each says whose it is, under a checksum.

One that is damaged or another study's is named, set aside and made again. ``read`` of a folder moves nothing, and does without it.
"""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from bpnn_jax._runtime import archive
from bpnn_jax._runtime.files import as_json
from bpnn_jax._runtime.reading import LARGEST_JSON, SEAL, DamagedError, NotReadableError, digest, parse_json, read_file
from bpnn_jax._runtime.text import one_line
from bpnn_jax.ablation.certificate import VERDICTS, Certificate, from_dict
from bpnn_jax.ablation.folder import CERTIFICATES, PATTERNS, SUMMARY, Store
from bpnn_jax.ablation.parts import BOOLEAN, Data, Gaps, load, together
from bpnn_jax.ablation.study import Study
from bpnn_jax.errors import InputError
from bpnn_jax.patterns import Patterns
from bpnn_jax.patterns.task import KINDS

LARGEST_PATTERNS = archive.LARGEST + 2**20
_CHECK = {
    "rung": int,
    "equation": str,
    "witness": str,
    "networks": int,
    "worst": float,
    "allowed": float,
    "verdict": str,
    "where": str,
}
_CERTIFICATES = {
    str: {"verdict": str, "angle": (float, None), "step_checked": bool, "checks": [_CHECK], "of?": str, f"{SEAL}?": str}
}


# --- patterns.npz ---


def keep_patterns(store: Store, identity: str, tasks: Sequence[Data]) -> None:
    """Write ``patterns.npz``, unless it is there: x (patterns, inputs), t (patterns, outputs), and the customary hidden layers.

    Of what is more than Boolean patterns its kind too, and the patterns to test on; of a second task x1, t1 and so on.
    """
    path = store.folder / PATTERNS
    found = _patterns(store, identity, [task.patterns.name for task in tasks])
    if found is not None and _compared(found) != _compared(tasks):
        found = store.set_aside(path, "holds the patterns of another study")
    given = {f"{name}{k or ''}": array for k, task in enumerate(tasks) for name, array in _arrays(task).items()}
    if found is None and sum(array.nbytes for array in given.values()) <= archive.LARGEST:
        content, of = io.BytesIO(), np.array(identity)
        arrays: dict[str, Any] = {**given, "of": of, SEAL: np.array(_digest(*given.values(), of))}
        np.savez(content, **arrays)
        store.put(path, content.getvalue())


def patterns_of(store: Store, identity: str, study: Study, wanted: str) -> tuple[Data, ...]:
    """The patterns whose SHA-256 is ``wanted``: those kept, or else those of the study's tasks. Raises InputError for others."""
    before = len(store.complaints)
    found = _patterns(store, identity, study.tasks)
    if found is not None and together(found) != wanted:
        found = store.set_aside(store.folder / PATTERNS, "holds the patterns of another study")
    if found is not None:
        return found
    try:
        found = tuple(load(task, study.test, study.of_tables) for task in study.tasks)
    except InputError as error:
        raise InputError("; ".join([*store.complaints[before:], str(error)])) from None
    if found[0].patterns.sha256 == wanted:  # of version 0.2.0, which scored nothing
        found = (Data(found[0].patterns),)
    if together(found) != wanted:
        said = f"{one_line(study.title)}: expected the patterns that the study was begun with, got others"
        raise InputError("; ".join([*store.complaints[before:], said]))
    return found


def _compared(tasks: Sequence[Data]) -> list[tuple]:
    return [(task.sha256, task.patterns.hidden) for task in tasks]


def _arrays(task: Data) -> dict[str, np.ndarray]:
    found = {"x": task.patterns.x, "t": task.patterns.t, "hidden": np.array(task.patterns.hidden, np.int64)}
    if task.kind != BOOLEAN or task.table or task.test is not None:
        found |= {"kind": np.array(task.kind), "table": np.array(task.table)}
        found |= {"outputs": np.array(task.patterns.outputs)} if task.patterns.outputs else {}
    if task.test is not None:
        found |= {"test_x": task.test.x, "test_t": task.test.t}
    if task.gaps is not None:
        found |= {"widths": np.array(task.gaps.widths, np.int64), "gaps": task.gaps.own}
        found |= {} if task.gaps.test is None else {"test_gaps": task.gaps.test}
    return found


def _patterns(store: Store, identity: str, names: Sequence[str]) -> tuple[Data, ...] | None:
    path = store.folder / PATTERNS
    try:
        data = read_file(path, LARGEST_PATTERNS, "the patterns of a study")
        found = archive.arrays(data, one_line(path))
        if not {"x", "t", "hidden"} <= set(found):
            raise DamagedError("expected the arrays x, t and hidden")
        if "of" in found or SEAL in found:  # version 0.1.0 wrote neither
            rest = [array for name, array in found.items() if name != SEAL]
            if "of" not in found or str(found.get(SEAL)) != _digest(*rest):
                raise DamagedError("expected the checksum of what is in it, got another")
            if str(found["of"]) != identity:
                return store.set_aside(path, "holds the patterns of another study")
        return tuple(_task(found, name, k or "") for k, name in enumerate(names))
    except FileNotFoundError:
        return None
    except NotReadableError:
        raise
    except (TypeError, ValueError, OverflowError, LookupError) as error:  # an InputError is a ValueError
        return store.set_aside(path, f"is damaged: {str(error).removeprefix(f'{one_line(path)}: ')}")


def _task(found: Mapping[str, np.ndarray], name: str, suffix: Any) -> Data:
    x, t, hidden = (found[f"{what}{suffix}"] for what in ("x", "t", "hidden"))
    more = {what: found.get(f"{what}{suffix}") for what in ("kind", "table", "outputs", "test_x", "test_t")}
    outputs = () if more["outputs"] is None else tuple(map(str, more["outputs"].tolist()))
    made = Patterns(x, t, name=name, outputs=outputs, hidden=tuple(map(int, hidden.tolist())))
    test_x, test_t = more["test_x"], more["test_t"]
    test = None if test_x is None or test_t is None else Patterns(test_x, test_t, name=name, hidden=made.hidden)
    kind = BOOLEAN if more["kind"] is None else str(more["kind"])
    if kind not in KINDS:
        raise DamagedError(f"expected a kind of {', '.join(KINDS)}, got {one_line(kind)}")
    gaps = _gaps(found, suffix, made, test)
    return Data(made, kind, test, more["table"] is not None and bool(more["table"]), gaps=gaps)


def _gaps(found: Mapping[str, np.ndarray], suffix: Any, own: Patterns, test: Patterns | None) -> Gaps | None:
    """Which cells were missing; studies of before 0.3.0 do not say, and are read as they were."""
    lost, test_lost, widths = (found.get(f"{what}{suffix}") for what in ("gaps", "test_gaps", "widths"))
    if lost is None or widths is None:
        return None
    shapes = [(lost, own)] if test_lost is None or test is None else [(lost, own), (test_lost, test)]
    if any(m.dtype != np.bool_ or m.shape != p.x.shape for m, p in shapes) or widths.dtype.kind != "i":
        raise DamagedError("expected gaps as an array of True and False, as many as there are inputs")
    return Gaps(tuple(map(int, widths.tolist())), lost, test_lost)


def _digest(*arrays: np.ndarray) -> str:
    found = hashlib.sha256()
    for array in arrays:
        found.update(f"{array.dtype.str} {array.shape}|".encode() + np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


# --- certificates.json ---


def keep_certificates(store: Store, identity: str, found: Mapping[str, Certificate]) -> None:
    """Write ``certificates.json``: by arm a certificate, each bound to the study, and with a checksum."""
    content = {}
    for name, one in found.items():
        bound = json.loads(json.dumps({**asdict(one), "of": identity}))
        content[name] = {**bound, SEAL: digest([name, bound])}
    store.put(store.folder / CERTIFICATES, (json.dumps(content, indent=2) + "\n").encode())


def certificates_of(store: Store, identity: str, arms: Sequence[str]) -> dict[str, Certificate]:
    """The certificate of each arm, or nothing: where they have not been made, are damaged, or are another study's."""
    path = store.folder / CERTIFICATES
    try:
        data = read_file(path, LARGEST_JSON, "the certificates of a study")
        found = parse_json(data, path, _CERTIFICATES)
        for name, one in found.items():  # version 0.1.0 wrote neither a checksum nor whose they are
            if ("of" in one or SEAL in one) and one.pop(SEAL, "") != digest([name, one]):
                raise DamagedError(f"expected the checksum of what is in it, got another: {one_line(name)}")
        if set(found) != set(arms) or {one.pop("of", identity) for one in found.values()} != {identity}:
            return store.set_aside(path, "holds the certificates of another study") or {}
        if unknown := {one["verdict"] for one in found.values()} - set(VERDICTS):
            raise DamagedError(f"expected a verdict of {', '.join(VERDICTS)}, got {one_line(unknown.pop())}")
        return {name: from_dict(given) for name, given in found.items()}
    except FileNotFoundError:
        return {}
    except NotReadableError:
        raise
    except InputError as error:
        return store.set_aside(path, f"is damaged: {str(error).removeprefix(f'{one_line(path)}: ')}") or {}


# --- summary.json ---


def keep_summary(store: Store, identity: str, said: dict[str, Any]) -> None:
    """Write ``summary.json``, which says whose it is."""
    store.put(store.folder / SUMMARY, as_json({"bpnn": "ablate", "of": identity, **said}))
