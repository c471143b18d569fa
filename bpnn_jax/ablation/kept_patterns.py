"""The patterns of a study, kept in its folder: what came out can be read where the file that they came from is not."""

import io
import zipfile

import numpy as np

from bpnn_jax import patterns
from bpnn_jax.ablation import manifest
from bpnn_jax.ablation.folder import Store
from bpnn_jax.ablation.plan import digest
from bpnn_jax.errors import InputError
from bpnn_jax.patterns import Patterns


def keep(store: Store, task: Patterns) -> None:
    """Write ``patterns.npz``, unless it is there: x (patterns, inputs), t (patterns, outputs), and the customary hidden layers."""
    path = store.folder / manifest.PATTERNS
    if not path.exists():
        content = io.BytesIO()
        np.savez(content, x=task.x, t=task.t, hidden=np.array(task.hidden))
        store.put(path, content.getvalue(), first=True)


def load(store: Store, task: str, wanted: str) -> Patterns:
    """The patterns whose ``chunks.digest`` is ``wanted``: those kept, or else those of ``task``. Raises InputError for others."""
    found = _kept(store, task)
    if found is None or digest(found) != wanted:
        found = patterns.load(task)
    if digest(found) != wanted:
        raise InputError(f"{task}: expected the patterns that the study was begun with, got others")
    return found


def _kept(store: Store, task: str) -> Patterns | None:
    try:
        # Opened here, since NumPy leaves a file open that is no archive.
        with open(store.folder / manifest.PATTERNS, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            return Patterns(file["x"], file["t"], name=task, hidden=tuple(file["hidden"].tolist()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, OSError, EOFError, zipfile.BadZipFile):  # InputError is a ValueError
        return None
