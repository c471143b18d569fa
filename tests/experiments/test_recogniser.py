"""Experiment 6: its quick run, its splits, and that the page says what the committed results say."""

import numpy as np
import pytest

from bpnn_jax import article
from bpnn_jax.patterns import Patterns
from bpnn_jax.statistics import compare
from experiments import code_recogniser


@pytest.fixture(scope="module")
def found(quick_run):
    return quick_run("code_recogniser")


def test_the_answer_has_intervals(found):
    assert found["details"].count("[") >= 3
    for split in ("by file", "by chunk"):
        e = found["bundled"][split]["largest"]
        assert 0.5 < e["low"] <= e["value"] <= e["high"] < 1  # a constant answer has a quarter


def test_the_confusion_table_counts_every_held_out_chunk(found):
    assert np.sum(found["other"]["confusion"], axis=1).tolist() == [270] * 4


def test_a_missing_language_is_why(found):
    if article.find_data() is None:
        pytest.skip("the article's data is not here: name its folder by BPNN_ARTICLE_DATA")
    why = found["article"]["why"]
    assert (why["train"], why["test"], why["absent"]) == ([323, 0, 177], [151, 159, 190], 1)
    assert f"{why['rate']:.2f}" == "65.20"
    assert why["of the absent"]["value"] == 0
    seen = why["of seen languages"]
    assert (round(seen["value"] * seen["n"]), seen["n"]) == (326, 341)  # and 326 of 500 are 65.20%
    assert [row[1] for row in why["confusion"]] == [0, 0, 0]


def test_without_the_article_s_data_it_says_so(found):
    alone = {key: value for key, value in found.items() if key != "article"}
    assert code_recogniser.answer(alone).startswith("The article's data is not here")


def in_stretches() -> Patterns:
    """1400 chunks in stretches of 1 to 60; a chunk's input is the number of its stretch."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 61, 60)
    stretch = np.repeat(np.arange(60), lengths)[:1400]
    return Patterns(x=stretch[:, None] + 1.0, t=np.eye(3)[stretch % 3], name="stretches")


@pytest.mark.parametrize("kind", code_recogniser.KINDS)
def test_splits_are_500_and_500_and_whole_stretches_stay_whole(kind):
    splits = list(code_recogniser.drawn(in_stretches(), kind, 4))
    assert len(splits) == 4
    for learn, test in splits:
        assert len(learn) == len(test) == 500
        both = set(learn.x.ravel()) & set(test.x.ravel())
        assert (len(both) == 0) == (kind == "stretches")
    assert len({test.x.tobytes() for _, test in splits}) == 4


def test_inputs_are_brought_to_one_scale():
    data = Patterns(x=[[0.01, 0.03], [0, 0.02]], t=[[1, 0], [0, 1]], name="of 500, once is 0.01")
    assert code_recogniser.scaled(data, 500).x.round(12).tolist() == [[0.02, 0.06], [0, 0.04]]
    assert code_recogniser.scaled(data, 1000).x.tolist() == data.x.tolist()


def test_one_split_is_held_against_the_scatter_of_many():
    """Against one more draw from the same normal numbers 5% are called different; against its networks alone nearly all would be."""
    rng = np.random.default_rng(0)
    called, naive = [], []
    for _ in range(400):
        many, one = rng.normal(size=20), rng.normal()
        called.append(code_recogniser.many_against_one(many, one)["p"] <= 0.05)
        networks = one + 0.05 * rng.normal(size=16)
        naive.append(compare(many, networks, paired=False).p <= 0.05)
    assert 0.02 <= np.mean(called) <= 0.09  # 5%, give or take three standard errors of 400 cases
    assert np.mean(naive) > 0.3
