"""The checkers in use today, each run with its default settings on one wrong gradient at its example: True where it objects."""

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.test_util import check_grads

from benchmarks.auditor.studies.wrong import Net, loss, numpy_loss

try:
    import torch  # pyright: ignore[reportMissingImports]
except ModuleNotFoundError:
    torch: Any = None

INSTALL_TORCH = "torch is not installed: pip install torch adds its rows"
TORCH_LIMIT = (
    1000  # gradcheck perturbs every weight, its fast mode too when it objects: with more, first seed and float64 only
)


def names() -> tuple[str, ...]:
    torches = ("torch gradcheck", "torch gradcheck, fast mode") if torch else ()
    return ("jax check_grads", *torches, "llm.c's 0.02", "allclose rtol 1e-5", "chex-like rtol 1e-6")


@cache
def compiled(net: Net, argnum: int) -> tuple[Callable, Callable]:
    """The error and its gradient by autodiff."""
    return jax.jit(loss(net)), jax.jit(jax.grad(loss(net), argnums=argnum))


class Case:
    """One wrong gradient on one network, for all its seeds: what can be compiled once is."""

    def __init__(self, net: Net, hand: Callable, argnum: int):
        self.net, self.hand, self.argnum = net, hand, argnum
        plain, self.grad = compiled(net, argnum)
        compiled_hand = jax.jit(hand)
        self.wrapped = jax.custom_vjp(plain)

        def backward(residuals, c):
            cotangents: list[Any] = jax.tree.map(jnp.zeros_like, list(residuals))
            cotangents[argnum] = jax.tree.map(lambda g: g * c, compiled_hand(*residuals))
            return tuple(cotangents)

        self.wrapped.defvjp(lambda *args: (plain(*args), args), backward)

    def objections(self, args: tuple, first_seed: bool) -> dict[str, bool | None]:
        """What each checker says; None where it was not run."""
        found: dict[str, bool | None] = dict.fromkeys(names())
        double = args[1].dtype == np.float64
        with jax.enable_x64(double):
            found["jax check_grads"] = not self._check_grads(args)
            right = [np.asarray(g) for g in jax.tree.leaves(self.grad(*args))]
        hand = [np.asarray(g) for g in jax.tree.leaves(self.hand(*args))]
        apart = list(zip(hand, right, strict=True))
        found["llm.c's 0.02"] = any((abs(h - r) > 2e-2).any() for h, r in apart)
        found["allclose rtol 1e-5"] = not all(np.allclose(h, r, rtol=1e-5) for h, r in apart)
        found["chex-like rtol 1e-6"] = not all(np.allclose(h, r, rtol=1e-6, atol=0.0) for h, r in apart)
        if torch:
            small = sum(r.size for r in right) <= TORCH_LIMIT
            if small or (first_seed and double):
                found["torch gradcheck"] = not self._gradcheck(args, fast=False)
                found["torch gradcheck, fast mode"] = not self._gradcheck(args, fast=True)
        return found

    def _check_grads(self, args: tuple) -> bool:
        before, after = args[: self.argnum], args[self.argnum + 1 :]
        try:
            check_grads(lambda a: self.wrapped(*before, a, *after), (args[self.argnum],), order=1, modes=("rev",))
        except AssertionError:
            return False
        return True

    def _gradcheck(self, args: tuple, *, fast: bool) -> bool:
        leaves, structure = jax.tree.flatten(args[self.argnum])

        def rebuilt(tensors) -> tuple:
            inside = jax.tree.unflatten(structure, [a.detach().numpy() for a in tensors])
            return (*args[: self.argnum], inside, *args[self.argnum + 1 :])

        class Loss(torch.autograd.Function):
            @staticmethod
            def forward(ctx, *tensors):  # pyright: ignore[reportIncompatibleMethodOverride]
                ctx.save_for_backward(*tensors)
                return torch.tensor(numpy_loss(self.net, *rebuilt(tensors)), dtype=tensors[0].dtype)

            @staticmethod
            def backward(ctx, c):  # pyright: ignore[reportIncompatibleMethodOverride]
                found = jax.tree.leaves(self.hand(*rebuilt(ctx.saved_tensors)))
                return tuple(c * torch.from_numpy(np.ascontiguousarray(g)) for g in found)

        inputs = [torch.tensor(a, requires_grad=True) for a in leaves]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that gradcheck is meant for float64
            return torch.autograd.gradcheck(Loss.apply, inputs, raise_exception=False, fast_mode=fast)
