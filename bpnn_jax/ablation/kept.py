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

from bpnn_jax import patterns
from bpnn_jax._runtime import archive
from bpnn_jax._runtime.files import as_json
from bpnn_jax._runtime.reading import LARGEST_JSON, SEAL, DamagedError, NotReadableError, digest, parse_json, read_file
from bpnn_jax._runtime.text import one_line
from bpnn_jax.ablation.certificate import VERDICTS, Certificate, from_dict
from bpnn_jax.ablation.folder import CERTIFICATES, PATTERNS, SUMMARY, Store
from bpnn_jax.errors import InputError
from bpnn_jax.patterns import Patterns

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


def keep_patterns(store: Store, identity: str, task: Patterns) -> None:
    """Write ``patterns.npz``, unless it is there: x (patterns, inputs), t (patterns, outputs), and the customary hidden layers."""
    path = store.folder / PATTERNS
    found = _patterns(store, identity, task.name)
    if found is not None and (found.sha256, found.hidden) != (task.sha256, task.hidden):
        found = store.set_aside(path, "holds the patterns of another study")
    if found is None and task.x.nbytes + task.t.nbytes <= archive.LARGEST:
        content, hidden = io.BytesIO(), np.array(task.hidden, np.int64)
        of = np.array(identity)
        np.savez(
            content, x=task.x, t=task.t, hidden=hidden, of=of, sha256=np.array(_digest(task.x, task.t, hidden, of))
        )
        store.put(path, content.getvalue())


def patterns_of(store: Store, identity: str, task: str, wanted: str) -> Patterns:
    """The patterns whose SHA-256 is ``wanted``: those kept, or else those of ``task``. Raises InputError for others."""
    before = len(store.complaints)
    found = _patterns(store, identity, task)
    if found is not None and found.sha256 != wanted:
        found = store.set_aside(store.folder / PATTERNS, "holds the patterns of another study")
    if found is not None:
        return found
    try:
        found = patterns.load(task)
    except InputError as error:
        raise InputError("; ".join([*store.complaints[before:], str(error)])) from None
    if found.sha256 != wanted:
        said = f"{one_line(task)}: expected the patterns that the study was begun with, got others"
        raise InputError("; ".join([*store.complaints[before:], said]))
    return found


def _patterns(store: Store, identity: str, task: str) -> Patterns | None:
    path = store.folder / PATTERNS
    try:
        data = read_file(path, LARGEST_PATTERNS, "the patterns of a study")
        found = archive.arrays(data, one_line(path), ("x", "t", "hidden", "of", SEAL))
        if not {"x", "t", "hidden"} <= set(found):
            raise DamagedError("expected the arrays x, t and hidden")
        x, t, hidden = (found[name] for name in ("x", "t", "hidden"))
        if "of" in found or SEAL in found:  # version 0.1.0 wrote neither
            if str(found.get(SEAL)) != _digest(x, t, hidden, found.get("of", hidden)):
                raise DamagedError("expected the checksum of what is in it, got another")
            if str(found["of"]) != identity:
                return store.set_aside(path, "holds the patterns of another study")
        return Patterns(x, t, name=task, hidden=tuple(map(int, hidden.tolist())))
    except FileNotFoundError:
        return None
    except NotReadableError:
        raise
    except (TypeError, ValueError, OverflowError) as error:  # an InputError is a ValueError
        return store.set_aside(path, f"is damaged: {str(error).removeprefix(f'{one_line(path)}: ')}")


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
