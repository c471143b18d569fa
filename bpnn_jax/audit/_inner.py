"""Wrong versions of what runs inside scan, while, cond and Pallas kernels: one equation of the inner jaxpr followed by another."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal, Var

from bpnn_jax.audit._programs import Operation, where

MOST = 8  # equations changed of one operation: each version is compiled
STILL = {"convert_element_type", "broadcast_in_dim", "reshape", "squeeze", "get", "swap", "copy", "iota"}


class Changed(NamedTuple):
    """Parameters of an operation with one equation inside changed."""

    what: str
    where: str
    params: dict


def changed(operation: Operation) -> Iterator[Changed]:
    """Sign and size of at most ``MOST`` equations that compute floating numbers, spread over the bodies."""
    places = list(_places(operation.params))
    for n, path in enumerate(places[:: max(1, -(-len(places) // MOST))]):
        factor, said = ((-1.0, "sign"), (1.01, "1% too large"))[n % 2]
        eqn, params = _replaced(operation.params, path, factor)
        yield Changed(f"{operation.name}: {eqn.primitive.name} inside: {said}", where(eqn) or operation.where, params)


Path = tuple[Any, ...]  # keys into parameters, tuples and equations, in turn


def _places(params: dict) -> Iterator[Path]:
    for key, value in params.items():
        if key in ("cond_jaxpr", "fwd", "bwd"):
            continue
        many = type(value) in (tuple, list)  # a record of its own kind stays as it is
        for k, body in enumerate(value if many else (value,)):
            jaxpr = body.jaxpr if isinstance(body, ClosedJaxpr) else body
            if not isinstance(jaxpr, Jaxpr):
                continue
            start = (key, k) if many else (key,)
            for n, eqn in enumerate(jaxpr.eqns):
                inner = list(_places(eqn.params))
                yield from ((*start, n, *path) for path in inner)
                if not inner and _computes(eqn):
                    yield (*start, n)


def _computes(eqn: Any) -> bool:
    """Whether an equation makes one array of floating numbers that somebody reads."""
    if eqn.primitive.name in STILL or len(eqn.outvars) != 1 or type(eqn.outvars[0]) is not Var:
        return False
    dtype = getattr(eqn.outvars[0].aval, "dtype", None)
    return dtype is not None and jnp.issubdtype(dtype, jnp.floating) and not eqn.effects


def _replaced(params: dict, path: Path, factor: float) -> tuple[Any, dict]:
    """(the equation, the parameters with its result times ``factor``)."""
    key, *rest = path
    value = params[key]
    if isinstance(value, tuple | list):
        k, n, *deeper = rest
        eqn, body = _in_body(value[k], n, tuple(deeper), factor)
        value = type(value)(body if i == k else other for i, other in enumerate(value))
    else:
        n, *deeper = rest
        eqn, value = _in_body(value, n, tuple(deeper), factor)
    return eqn, {**params, key: value}


def _in_body(body: Any, n: int, deeper: Path, factor: float) -> tuple[Any, Any]:
    jaxpr = body.jaxpr if isinstance(body, ClosedJaxpr) else body
    eqns = list(jaxpr.eqns)
    eqn = found = eqns[n]
    if deeper:
        found, inner = _replaced(eqn.params, deeper, factor)
        eqns[n] = eqn.replace(params=inner)
    else:
        out = eqn.outvars[0]
        before = Var(out.aval)
        by = Literal(jnp.asarray(factor, out.aval.dtype)[()], jax.typeof(jnp.zeros((), out.aval.dtype)))
        eqns[n : n + 1] = [eqn.replace(outvars=[before]), *_scaled(eqn, before, out, by)]
    jaxpr = jaxpr.replace(eqns=eqns)
    return found, ClosedJaxpr(jaxpr, body.consts) if isinstance(body, ClosedJaxpr) else jaxpr


def _scaled(eqn: Any, before: Var, out: Any, by: Literal) -> Iterator[Any]:
    """``out = before * by``, with ``by`` broadcast first where ``before`` is no scalar."""
    factor: Any = by
    if out.aval.shape:
        factor = Var(out.aval)
        broadcast = {"shape": out.aval.shape, "broadcast_dimensions": (), "sharding": None}
        yield eqn.replace(primitive=lax.broadcast_in_dim_p, params=broadcast, invars=[by], outvars=[factor])
    yield eqn.replace(primitive=lax.mul_p, params={}, invars=[before, factor], outvars=[out])
