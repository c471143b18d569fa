"""Recording what code calls: real arguments, no change to the code, nothing kept without a limit, everything put back."""

import functools
import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bpnn_jax.audit.packages.recording import Recording, recording

pytestmark = pytest.mark.quick_xla


def made(rule=lambda x: 2 * x):
    @jax.custom_vjp
    def square(x):
        return x**2

    square.defvjp(lambda x: (x**2, x), lambda x, c: (c * rule(x),))
    return square


square = made()


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def reduced(x, mode):
    return jnp.sum(x) if mode == "sum" else jnp.mean(x)


reduced.defvjp(
    lambda x, mode: (reduced(x, mode), x), lambda mode, x, c: (c * jnp.ones_like(x) / (1 if mode == "sum" else x.size),)
)


def shown(seen):
    return [[call.shown for call in rule.calls] for rule in seen.rules.values()]


def test_static_options_and_shapes_are_kinds_of_their_own_and_repeats_are_not():
    with recording() as seen:
        for _ in range(3):
            reduced(jnp.ones(3), "sum")
            reduced(jnp.zeros(3), mode="mean")
            reduced(jnp.ones(3, jnp.bfloat16), "sum")
            reduced(jnp.ones(5), "sum")  # beyond the three kinds that are kept
    assert shown(seen) == [["float32[3], 'sum'", "float32[3], 'mean'", "bfloat16[3], 'sum'"]]


def test_numbers_come_from_behind_grad_and_vmap_but_not_from_jit():
    with recording() as seen:
        jax.vmap(lambda x: jax.grad(lambda x: square(x).sum())(x), in_axes=1)(jnp.arange(6.0).reshape(2, 3))
    ((call,),) = [rule.calls for rule in seen.rules.values()]
    np.testing.assert_array_equal(call.arguments()[0], [0.0, 3.0])
    with recording() as seen:
        jax.jit(square)(jnp.arange(4.0))
        assert len(seen.unseen()) == 1
        with jax.disable_jit():
            jax.jit(square)(jnp.arange(4.0))
    assert shown(seen) == [["float32[4]"]]
    assert not seen.unseen()


def test_what_is_recorded_is_what_the_call_was_given():
    given = np.arange(3, dtype=np.float32)
    with recording() as seen:
        square(given)
        given[:] = 7
    (rule,) = seen.rules.values()
    np.testing.assert_array_equal(rule.calls[0].arguments()[0], [0, 1, 2])
    assert isinstance(rule.calls[0].arguments()[0], np.ndarray)


def test_the_code_under_test_computes_what_it_did():
    def program(x):
        return jax.grad(lambda x: (square(x) * jnp.take(x, 0)).sum())(x)

    before = str(jax.make_jaxpr(program)(jnp.ones(3))), str(jax.make_jaxpr(jax.vmap(program))(jnp.ones((2, 3))))
    with recording():
        after = str(jax.make_jaxpr(program)(jnp.ones(3))), str(jax.make_jaxpr(jax.vmap(program))(jnp.ones((2, 3))))
    assert [a.split("custom_vjp")[0] for a in after] == [b.split("custom_vjp")[0] for b in before]


def test_jaxs_classes_are_put_back_also_where_recordings_overlap():
    own = jax.custom_vjp.__call__, jax.custom_jvp.__call__
    with recording() as outer:
        with recording() as inner:
            square(jnp.ones(2))
        square(jnp.ones(3))
    with pytest.raises(ZeroDivisionError), recording():
        raise ZeroDivisionError
    assert (jax.custom_vjp.__call__, jax.custom_jvp.__call__) == own
    assert shown(inner) == [["float32[2]"]]
    assert shown(outer) == [["float32[2]", "float32[3]"]]


def test_memory_has_a_limit_and_what_it_costs_is_said():
    with recording(most_bytes=100) as seen:
        square(jnp.ones(20))
        square(jnp.ones(21))
    (rule,) = seen.rules.values()
    assert [call.shown for call in rule.calls] == ["float32[20]"]
    assert rule.left_out == ["a call of 84 bytes, beyond the 100 that are kept"]
    assert seen.bytes == 80


def test_a_call_that_fails_is_not_recorded():
    with recording() as seen, pytest.raises(TypeError):
        square("word")
    assert shown(seen) == [[]]


def test_a_rule_in_a_closure_is_one_rule_and_its_constants_are_options():
    def scaled(by):
        @jax.custom_jvp
        def f(x):
            return by * x

        f.defjvp(lambda primals, tangents: (f(*primals), by * tangents[0]))
        return f

    with recording() as seen:
        for by in (2.0, 2.0, 3.0):
            scaled(by)(jnp.ones(2))
        jax.jit(lambda by: scaled(by)(jnp.ones(2)))(4.0)  # closes over a tracer: could not be run later
    (rule,) = seen.rules.values()
    assert [float(call.rule(1.0)) for call in rule.calls] == [2.0, 3.0]


def test_threads_record_into_one_list():
    seen = Recording(calls=40)
    from bpnn_jax.audit.packages import recording as module

    module.start(seen)
    try:
        threads = [threading.Thread(target=lambda n=n: square(np.ones(n, np.float32))) for n in range(1, 9)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        module.stop(seen)
    assert sorted(call.shown for rule in seen.rules.values() for call in rule.calls) == [
        f"float32[{n}]" for n in range(1, 9)
    ]
