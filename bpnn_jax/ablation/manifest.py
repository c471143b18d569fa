"""``study.json``: which study a folder belongs to, under which versions. Another one is refused, with the difference shown."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from bpnn_jax.ablation.folder import ASIDE, CHUNKS, Store
from bpnn_jax.ablation.study import Study, from_dict
from bpnn_jax.errors import InputError

FILE, SUMMARY, CERTIFICATES, PATTERNS = "study.json", "summary.json", "certificates.json", "patterns.npz"
FILES = (FILE, SUMMARY, CERTIFICATES, PATTERNS)
FORMAT = 1


def manifest(study: Study, where: dict[str, str], patterns: str) -> dict[str, Any]:
    """What ``study.json`` holds. ``patterns`` is the digest of the task's."""
    return {"format": FORMAT, "study": study.as_dict(), "patterns": patterns, "place": where}


def read(store: Store) -> tuple[Study, dict[str, Any]]:
    """The study of a folder, and its whole manifest. Raises InputError where there is none."""
    found = _read(store.folder / FILE)
    if found is None:
        raise InputError(f"{store.folder}: expected the folder of a study, got no {FILE} in it")
    return from_dict(found["study"]), found


def check(store: Store, wanted: dict[str, Any], force: bool) -> None:
    """Raise InputError unless the folder is new, empty or this study's. Writes nothing."""
    folder = store.folder
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: expected a folder, got a file")
    found = _read(folder / FILE)
    if found is None:
        ours = (CHUNKS, ASIDE)
        others = sorted({p.name for p in folder.iterdir() if p.name[0] != "."} - set(ours)) if folder.exists() else []
        if others:
            raise InputError(f"{folder}: expected a new folder or that of a study, got one with {others[0]} in it")
    elif found != wanted and not force:
        lines = "\n  ".join(differences(found, wanted))
        raise InputError(
            f"{folder}: expected the study that was begun there, got another one:\n  {lines}\n"
            "Another folder keeps them apart; --force starts afresh beside it."
        )


def claim(store: Store, wanted: dict[str, Any], force: bool) -> None:
    """Make the folder this study's. With ``force`` what was there stays: its manifest under another name, its chunks under theirs."""
    content = (json.dumps(wanted, indent=2) + "\n").encode()
    store.chunks.mkdir(parents=True, exist_ok=True)
    found = _read(store.folder / FILE)
    if found == wanted:
        return
    if found is not None:
        check(store, wanted, force)
        mark = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:8]
        for name in (
            SUMMARY,
            CERTIFICATES,
            PATTERNS,
            FILE,
        ):  # the manifest last: without it the folder would be a stranger's
            path = store.folder / name
            if path.exists():
                os.replace(path, path.with_suffix(f".{mark}{path.suffix}"))
    if not store.put(store.folder / FILE, content, first=True):  # another process was quicker
        check(store, wanted, force=False)


def differences(found: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """A line for each setting that differs.

    >>> differences({"study": {"epochs": 5}}, {"study": {"epochs": 6}})
    ['study.epochs: 5 there, 6 here']
    """
    there, here = flat(found), flat(wanted)
    keys = dict.fromkeys([*there, *here])
    return [
        f"{key}: {_word(there, key)} there, {_word(here, key)} here"
        for key in keys
        if there.get(key, keys) != here.get(key, keys)
    ]


def flat(value: Any, under: str = "") -> dict[str, Any]:
    """Nested dicts as one, with dots in its keys.

    >>> flat({"a": {"b": 1}, "c": 2})
    {'a.b': 1, 'c': 2}
    """
    if not isinstance(value, dict):
        return {under: value}
    return {k: v for key, item in value.items() for k, v in flat(item, f"{under}.{key}" if under else key).items()}


def _word(values: dict[str, Any], key: str) -> str:
    return json.dumps(values[key]) if key in values else "none"


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise InputError(f"{path}: expected the description of a study, got: {error}") from None
    if not isinstance(found, dict) or not isinstance(found.get("study"), dict):
        raise InputError(f"{path}: expected the description of a study, got something else")
    return found
