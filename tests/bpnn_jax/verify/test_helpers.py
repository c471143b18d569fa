"""Processes that share the ladder: what another one says is what this one finds, and one that ends is done without."""

from dataclasses import asdict

import pytest

from bpnn_jax import verify
from bpnn_jax.verify import helpers, ladder

OPTIONS = verify.Options(sizes=(1, 1), activations=("tanh",), hidden_bias=True, networks=250, seed=3)


@pytest.fixture(scope="module")
def work():
    """The whole list, as a helper has it too, and in it the numbers of pieces that take no time."""
    pieces = ladder.pieces(OPTIONS)
    return pieces, [n for n, (what, _) in enumerate(pieces) if what in ("rung 3: optax", "rung 3: closed form")]


def test_another_process_finds_the_same(work):
    pieces, cheap = work
    own = {number: pieces[number][1]() for number in cheap}
    with helpers.started(1, asdict(OPTIONS)) as (ask,):
        assert {number: ask(number) for number in cheap} == own
        with pytest.raises(helpers.HelperError):  # no such piece: it ends
            ask(len(pieces))
        with pytest.raises(helpers.HelperError):
            ask(cheap[0])


def test_work_that_a_helper_does_not_answer_is_done_here(work, monkeypatch):
    pieces, cheap = work
    monkeypatch.setattr(helpers.sys, "executable", "/bin/false")
    seen = []
    found = helpers.shared(pieces, [[n] for n in cheap], asdict(OPTIONS), 2, lambda *said: seen.append(said))
    assert found == {number: pieces[number][1]() for number in cheap}
    assert sorted(begun for begun, _, _ in seen) == list(range(len(cheap)))
