"""What Python code may hand over: complex numbers, masks, objects, other shapes, None; and a forked child."""

import os
from collections.abc import Callable, Iterator

from benchmarks.attacks.attack import Attack
from benchmarks.attacks.ground import Ground

KIND = "arrays"


def attacks(ground: Ground) -> Iterator[Attack]:
    for face in ("train", "train_many"):
        for what, change in CHANGES.items():
            yield Attack(KIND, f"{face}: {what}", _refused(face, change), status=(0,))
    yield Attack(KIND, "train in a forked child", lambda: _forked(fork_first=False), status=(0,), seconds=60)
    yield Attack(
        KIND, "train in a child that was forked first", lambda: _forked(fork_first=True), status=(0,), seconds=60
    )


def _base() -> dict:
    import numpy as np

    return {"x": np.eye(2, dtype=np.float32), "t": np.ones((2, 1), np.float32)}


def _lost(array, **changes):
    return {"x": array, **changes}


CHANGES: dict[str, Callable] = {
    "complex inputs": lambda np, x: {"x": x + 0j},
    "complex targets": lambda np, x: {"t": np.ones((2, 1), complex)},
    "masked inputs": lambda np, x: {"x": np.ma.masked_array(x, mask=x > 0)},
    "masked targets": lambda np, x: {"t": np.ma.masked_array(np.ones((2, 1)), mask=[[True], [False]])},
    "objects": lambda np, x: {"x": np.array([[None, 1], [2, 3]], object)},
    "texts": lambda np, x: {"x": np.array([["1", "2"], ["3", "4"]])},
    "a NaN": lambda np, x: {"x": x * np.nan},
    "an infinity": lambda np, x: {"x": x + np.inf},
    "too large for float32": lambda np, x: {"x": np.eye(2) * 1e300},
    "no rows": lambda np, x: {"x": x[:0], "t": np.ones((0, 1))},
    "one axis": lambda np, x: {"x": x[0]},
    "three axes": lambda np, x: {"x": x[None]},
    "ragged": lambda np, x: {"x": [[1, 2], [3]]},
    "dates": lambda np, x: {"x": np.array([["2020", "2021"]] * 2, "datetime64[Y]")},
    "a record": lambda np, x: {"x": np.zeros((2, 2), "f4,f4")},
    "None": lambda np, x: {"x": None},
    "a dict": lambda np, x: {"x": {}},
    "None among weights": lambda np, x: {"weights": (None, np.ones((4, 1)))},
    "complex weights": lambda np, x: {"weights": (np.ones((3, 3)) + 0j, np.ones((4, 1)))},
    "masked weights": lambda np, x: {"weights": (np.ma.masked_array(np.ones((3, 3)), mask=True), np.ones((4, 1)))},
    "texts among weights": lambda np, x: {"weights": (np.full((3, 3), "1"), np.ones((4, 1)))},
    "weights of other shapes": lambda np, x: {"weights": (np.ones((2, 2)), np.ones((2, 2)))},
    "infinite weights": lambda np, x: {"weights": (np.full((3, 3), np.inf), np.ones((4, 1)))},
    "weights too large for float32": lambda np, x: {"weights": (np.full((3, 3), 1e300), np.ones((4, 1)))},
    "a complex rate": lambda np, x: {"learning_rate": 1j},
    "a text for a rate": lambda np, x: {"learning_rate": "fast"},
    "an infinite rate": lambda np, x: {"learning_rate": 1e300},
    "a negative rate": lambda np, x: {"learning_rate": -1.0},
    "a masked rate": lambda np, x: {"learning_rate": np.ma.masked},
    "None for a rate": lambda np, x: {"cutoff": None},
}


def _refused(face: str, change: Callable) -> Callable[[], None]:
    def work() -> None:
        import numpy as np

        import bpnn_jax

        given = _base()
        given |= change(np, given["x"])
        seeds = {"seeds": 2} if face == "train_many" else {}
        network = bpnn_jax.Network((2, 3, 1), "tanh")
        try:
            getattr(bpnn_jax, face)(network, given.pop("x"), given.pop("t"), epochs=2, **seeds, **given)
        except bpnn_jax.InputError:
            return
        raise AssertionError("taken, and cast")

    return work


def _forked(fork_first: bool) -> None:
    """Training in a child of fork: trains, or says why not; it does not hang (the parent kills what does)."""
    import bpnn_jax
    from bpnn_jax import InputError

    network, given = bpnn_jax.Network((2, 3, 1), "tanh"), _base()
    if not fork_first:
        bpnn_jax.train(network, given["x"], given["t"], epochs=2)
    child = os.fork()
    if not child:
        try:
            bpnn_jax.train(network, given["x"], given["t"], epochs=3)
            bpnn_jax.train_many(network, given["x"], given["t"], epochs=3, seeds=2)
        except InputError as error:
            os._exit(0 if "fork" in str(error) and not fork_first else 1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, "the child ended badly"
