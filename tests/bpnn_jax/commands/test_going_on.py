"""``bpnn train --from``: a run that goes on is bit for bit one run, and what cannot go on is refused."""

import numpy as np
import pytest

from bpnn_jax import load_network, save_network

EPOCHS = ("--epochs", 4, "--test-share", "0.25")  # most tests train the same program


@pytest.mark.parametrize("how", [(), ("--rule", "nesterov", "--learning-rate", "0.01", "--mode", "online")])
def test_a_run_that_goes_on_is_bit_for_bit_one_run(flowers, bpnn, how):
    split = ("--test-share", "0.25", "--seed", 3, *how)
    assert bpnn("train", flowers, *split, "--epochs", 5, "--save", "whole").code == 0
    assert bpnn("train", flowers, *split, "--epochs", 1, "--save", "m").code == 0
    for _ in range(4):
        ran = bpnn("train", flowers, "--from", "m", "--epochs", 1, "--save", "m")
        assert ran.code == 0, ran.err
    assert "note: goes on after 4 epochs" in ran.out
    assert "14 to test" in ran.out
    whole, parts = load_network("whole"), load_network("m")
    assert (whole.training.epochs, whole.encoding) == (parts.training.epochs, parts.encoding)
    for a, b in zip(whole.weights + whole.training.rule, parts.weights + parts.training.rule, strict=True):
        np.testing.assert_array_equal(a, b)


def test_patterns_that_are_no_table_go_on_too(here, bpnn):
    how = ("--hidden", 3, "--activation", "tanh", "--shuffle", "--momentum", "0.2")
    bpnn("train", "nand.txt", *how, "--epochs", 6, "--save", "whole")
    bpnn("train", "nand.txt", *how, "--epochs", 2, "--save", "m")
    assert bpnn("train", "nand.txt", "--from", "m", "--epochs", 4, "--save", "n").code == 0
    for a, b in zip(load_network("whole").weights, load_network("n").weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_cannot_go_on_is_refused(here, flowers, bpnn, refused):
    bpnn("train", flowers, *EPOCHS, "--save", "m")
    refused(["train", flowers, "--from", "m", "--seed", 5], "expected seed 0, as m was trained with", "got 5")
    refused(
        ["train", flowers, "--from", "m", "--hidden", 3], "expected the network of the model that from names, 4-8-3"
    )
    refused(["train", flowers, "--from", "m", "--rule", "sgd"], "expected rule adam, as the model", "got sgd")
    refused(["train", "nand.txt", "--from", "m"], "from names a network that has learnt a table")
    refused(["train", flowers, "--from", "m", "--seeds", 3], "expected no seeds with from")
    (here / "link.json").symlink_to("m")
    for option, path in (("--json", "m"), ("--export", "link.json")):
        refused(["train", flowers, "--from", "m", option, path, "--overwrite"], "which is the model: it stays as it is")
    (here / "g.csv").write_text("petal,kind\n1,bell\n2,cup\n3,dish\n")
    refused(["train", "g.csv", "--from", "m"], "stalk, place missing")
    saved = load_network("m")
    save_network("old", saved.network, saved.weights, encoding=saved.encoding)
    ran = bpnn("train", flowers, "--from", "old", *EPOCHS)
    assert "without its rule's state" in ran.out
    ran = bpnn("train", flowers, "--from", "m", "--epochs", 4, "--test-share", "0.252")  # as many patterns
    assert "another test-share than before" in ran.out


def test_a_schedule_that_is_told_the_epochs_in_all_goes_on(flowers, bpnn):
    how = ("--schedule", "cosine:0:6", "--rule", "heavy-ball", "--learning-rate", "0.01")
    bpnn("train", flowers, *how, "--epochs", 6, "--save", "whole")
    bpnn("train", flowers, *how, "--epochs", 2, "--save", "m")
    ran = bpnn("train", flowers, "--from", "m", "--epochs", 4, "--save", "n")
    assert "ends with these epochs" not in ran.out
    for a, b in zip(load_network("whole").weights, load_network("n").weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert "cosine ends with these epochs" in bpnn("train", flowers, "--from", "m", *EPOCHS, "--schedule", "cosine").out
