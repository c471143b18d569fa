"""``study.json``: which study a folder belongs to, under which versions. A folder belongs to one study at a time."""

import contextlib
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from bpnn_jax._runtime.files import write_durably
from bpnn_jax._runtime.reading import (
    LARGEST_JSON,
    SEAL,
    DamagedError,
    check_shape,
    digest,
    parse_json,
    read_file,
    sealed,
    unsealed,
)
from bpnn_jax._runtime.text import one_line
from bpnn_jax.ablation.folder import ASIDE, CERTIFICATES, CHUNKS, FILE, LOOKS, PATTERNS, REPORT, SUMMARY, Store
from bpnn_jax.ablation.study import Study, from_dict
from bpnn_jax.errors import InputError
from bpnn_jax.settings import Run

FORMAT = 3  # 1, of version 0.1.0, had no checksum; 2, of version 0.2.0, no tests, splits, tuning or growth
# The fields of version 0.2.0, whose files are bound to the identity that these make.
FIRST_STUDY = ("task", "vary", "base", "seeds", "epochs", "points", "chunk")
FIRST_BASE = (
    *(
        "activation",
        "output_activation",
        "input_bias",
        "hidden_bias",
        "skip",
        "hidden",
        "rule",
        "learning_rate",
        "momentum",
    ),
    *(
        "reduction",
        "tolerance",
        "order",
        "mode",
        "batch_size",
        "gradient",
        "shuffle",
        "targets",
        "initial",
        "ranges",
        "dtype",
    ),
)
STUDY = {
    "task": (str, [str]),
    "vary": {str: [object]},
    "base": {str: object},
    "seeds": (int, [int]),
    "epochs": int,
    "points": int,
    "chunk": (int, None),
    "test?": (str, None),
    "test_share?": float,
    "splits?": int,
    "tune?": {str: [object]},
    "validation_share?": float,
    "work?": float,
    "tune_in_step?": bool,
    "usual?": {str: {str: object}},
    "given?": [str],
    "keep_weights?": bool,
    "choice?": {str: object},
}
SHAPE = {"format": int, "study": STUDY, "patterns": str, "place": {str: str}, "before?": [STUDY]}
# What a study may have left where its study.json is not: one that was killed, or set aside.
_OURS = re.compile(r"(study|summary|certificates|patterns|looks)(\.[0-9a-f]{8})?\.(json|npz)")


def manifest(study: Study, where: dict[str, str], patterns: str) -> dict[str, Any]:
    """What ``study.json`` holds. ``patterns`` is the SHA-256 of the task's."""
    return {"format": FORMAT, "study": study.as_dict(), "patterns": patterns, "place": where}


def stages(manifest: dict[str, Any]) -> list[Study]:
    """The smaller studies that the folder's was, from the first on: what their chunks were cut by."""
    return [from_dict(one) for one in manifest.get("before", [])]


def identity(manifest: dict[str, Any]) -> str:
    """The SHA-256 of a study, its patterns and its place: what its other files are bound to."""
    study = _early(
        manifest["study"],
        FIRST_STUDY,
        {f.name: f.default for f in fields(Study)} | {"tune": {}, "usual": {}, "given": [], "choice": {}},
    )
    if isinstance(study.get("base"), dict):
        study["base"] = _early(study["base"], FIRST_BASE, {f.name: f.default for f in fields(Run)})
    return digest({"study": study, "patterns": manifest["patterns"], "place": manifest["place"]})


def _early(given: dict[str, Any], first: tuple[str, ...], defaults: dict[str, Any]) -> dict[str, Any]:
    """The fields ``first``, and each later one that is not its default: so that a new field changes the identity of no study."""
    return {name: value for name, value in given.items() if name in first or value != defaults.get(name, given)}


def study_of(store: Store) -> tuple[Study, dict[str, Any]]:
    """The study of a folder, and its whole manifest. Raises InputError where there is none."""
    found = manifest_of(store)
    if found is None:
        raise InputError(f"{one_line(store.folder)}: expected the folder of a study, got no {FILE} in it")
    try:
        return from_dict(found["study"]), found
    except InputError as error:
        raise InputError(f"{one_line(store.folder / FILE)}: {error}") from None


def manifest_of(store: Store) -> dict[str, Any] | None:
    """What ``study.json`` holds, its study as this version writes it: a field that came later has its default.

    Raises DamagedError for a file that is none, and NotReadableError for one that cannot be read now.
    """
    path = store.folder / FILE
    try:
        data = read_file(path, LARGEST_JSON, "the description of a study")
    except FileNotFoundError:
        return None
    found = parse_json(data, path, {str: object})
    if found.get("format") == 1 and SEAL not in found:
        try:
            check_shape(found, SHAPE)
        except InputError as error:
            raise DamagedError(f"{one_line(path)}: {error}") from None
    else:
        found = unsealed(data, path, SHAPE)
    if not 1 <= found["format"] <= FORMAT:
        raise InputError(
            f"{one_line(path)}: expected a format from 1 to {FORMAT}, got {found['format']}: of a later bpnn-jax?"
        )
    with contextlib.suppress(InputError):  # one that this version cannot carry out is shown as it is
        found["study"] = from_dict(found["study"]).as_dict()
    return found


def check(store: Store, wanted: dict[str, Any], force: bool) -> dict[str, Any]:
    """Raise InputError unless the folder is new, empty, this study's, or that of a smaller one which it is made of by more seeds,
    splits, values or epochs. Writes nothing. Returns what ``study.json`` is to hold: ``wanted`` with what the study was ``before``.
    """
    folder = store.folder
    try:
        if folder.exists() and not folder.is_dir():
            raise InputError(f"{one_line(folder)}: expected a folder, got a file")
        names = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    except OSError as error:
        raise InputError(f"{one_line(folder)}: expected a folder, got: {error.strerror}") from None
    try:
        found = manifest_of(store)
    except DamagedError as error:
        if force:
            return wanted
        raise DamagedError(
            f"{error}; it is left as it is: --force sets it aside and begins anew, and finds the chunks of the same study again"
        ) from None
    if found is None:
        others = [n for n in names if n[0] != "." and n not in (CHUNKS, ASIDE, REPORT) and not _OURS.fullmatch(n)]
        if others:
            raise InputError(
                f"{one_line(folder)}: expected a new folder or that of a study, got one with {one_line(others[0])} in it"
            )
        return wanted
    if identity(found) == identity(wanted):
        return found | {"format": FORMAT}
    grown = growth(found, wanted)
    if grown is None and not force:
        lines = "\n  ".join(differences(found, wanted))
        raise InputError(
            f"{one_line(folder)}: expected the study that was begun there, got another one:\n  {lines}\n"
            "Another folder keeps them apart; --force starts afresh beside it."
        )
    return wanted if grown is None else grown


def growth(found: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any] | None:
    """``wanted`` with the smaller studies that it goes on from, or None where it does not go on from that of ``found``.

    More seeds, splits, or values of what varies or is tuned go on from what is there. With more epochs every run is trained again.
    """
    if any(found[name] != wanted[name] for name in ("place", "patterns")):
        return None
    try:
        there, here = from_dict(found["study"]), from_dict(wanted["study"])
    except InputError:
        return None
    alike = ("task", "base", "points", "chunk", "work", "test", "test_share", "validation_share")
    alike += ("usual", "given", "tune_in_step", "choice")
    if any(getattr(there, name) != getattr(here, name) for name in alike) or there.splits > here.splits:
        return None
    for old, new in ((there.vary, here.vary), (there.tune, here.tune)):
        if list(dict(old)) != list(dict(new)) or any(not set(values) <= set(dict(new)[name]) for name, values in old):
            return None
    if here.tune_in_step and there.tune != here.tune:  # other values may stand beside each other
        return None
    if not set(there.seed_list) <= set(here.seed_list) or there.epochs > here.epochs:
        return None
    if there.epochs < here.epochs or there.keep_weights != here.keep_weights:
        return wanted
    return wanted | {"before": [*found.get("before", []), found["study"]]}


def claim(store: Store, wanted: dict[str, Any], force: bool) -> None:
    """Make the folder this study's, in one step, and let the store write only while it is.

    With ``force`` another study's files stay: its chunks, and the others under names with its mark.
    """
    try:
        store.chunks.mkdir(parents=True, exist_ok=True)
        with store.locked():
            _take(store, wanted, force)
    except OSError as error:
        raise InputError(
            f"{one_line(store.folder)}: expected a folder that can be written, got: {error.strerror}"
        ) from error
    store.guard = _guard(store, identity(wanted))


def _take(store: Store, wanted: dict[str, Any], force: bool) -> None:
    path = store.folder / FILE
    try:
        found = manifest_of(store)
    except DamagedError as error:
        check(store, wanted, force)
        store.set_aside(path, f"is damaged: {str(error).removeprefix(f'{one_line(path)}: ')}")
        found = None
    if found is None:
        if not write_durably(path, sealed(wanted), first=True):  # another process was quicker, on a disk without locks
            check(store, wanted, force=False)
    elif identity(found) != identity(wanted):
        check(store, wanted, force)
        mark = identity(found)[:8]
        old = path.with_suffix(f".{mark}.json")
        if not old.exists():
            _copy(path, old)
        write_durably(
            path, sealed(wanted)
        )  # the one step: before it the folder is the old study's, after it this one's
        others = () if growth(found, wanted) else (LOOKS,)  # who has looked has seen the larger study's first runs
        for name in (SUMMARY, CERTIFICATES, PATTERNS, *others):
            other = store.folder / name
            if other.exists():
                os.replace(other, other.with_suffix(f".{mark}{other.suffix}"))


def _copy(path: Any, to: Any) -> None:
    try:
        os.link(path, to)
    except OSError:  # a disk without links
        shutil.copy2(path, to)


def _guard(store: Store, mine: str) -> Callable[[], None]:
    """Raises InputError where ``study.json`` is no longer that of ``mine``; it is read only when it has changed."""
    seen: list[tuple[int, ...]] = []

    def guard() -> None:
        with contextlib.suppress(FileNotFoundError, DamagedError):
            found = os.stat(store.folder / FILE)
            now = (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)
            if now in seen:
                return
            there = manifest_of(store)
            if there is not None and identity(there) == mine:
                seen[:] = [now]
                return
        raise InputError(
            f"{one_line(store.folder)}: expected the folder to stay this study's while it is carried out, got another study in it "
            f"(or no {FILE}); nothing more was written there, and the chunks that were finished are kept"
        )

    return guard


def differences(found: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """A line for each setting that differs.

    >>> differences({"study": {"epochs": 5}}, {"study": {"epochs": 6}})
    ['study.epochs: 5 there, 6 here']
    """
    there, here = ({k: v for k, v in flat(one).items() if k not in ("format", "before")} for one in (found, wanted))
    keys = dict.fromkeys([*there, *here])
    return [
        one_line(f"{key}: {_word(there, key)} there, {_word(here, key)} here")
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
    return json.dumps(values[key])[:200] if key in values else "none"
