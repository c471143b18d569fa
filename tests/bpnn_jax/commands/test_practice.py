"""``bpnn train`` as people use it: validation, seeds, a run that goes on, schedules, class weights, drawings, exports."""

import json
import shutil
import subprocess

import numpy as np
import pytest

from bpnn_jax import Network, load_network, predict, save_network
from bpnn_jax.export import C_ACTIVATIONS, exported
from bpnn_jax.network import ACTIVATIONS, init
from bpnn_jax.patterns.formats import read_file

EPOCHS = ("--epochs", 4)


@pytest.fixture
def flowers(here):
    """Three clouds, the third class rare, and a column of words."""
    random = np.random.default_rng(2)
    kinds = np.array([0] * 24 + [1] * 24 + [2] * 8)
    lines = ["petal,stalk,place,kind"]
    for k in random.permutation(len(kinds)):
        a, b = random.normal(size=2) + 1.2 * np.array([kinds[k], kinds[k] % 2])
        lines.append(f"{a:.3f},{b:.3f},{'ns'[k % 2]},{('bell', 'cup', 'dish')[kinds[k]]}")
    (here / "f.csv").write_text("\n".join(lines) + "\n")
    return "f.csv"


def test_validation_keeps_the_best_weights_and_stops(flowers, bpnn, result):
    options = ["--validation", "0.25", "--test-share", "0.25", "--patience", 3, "--epochs", 300, "--save", "m"]
    ran = bpnn("train", flowers, *options)
    assert "56 patterns, 28 to train, 14 to validate, 14 to test" in ran.out
    found = result("train", flowers, *options)
    assert found["patterns"] == {"train": 28, "validation": 14, "test": 14, "left_out": 0}
    assert found["stopped"] == "patience"
    assert f"iteration {found['kept']}" in ran.out
    curve = found["curves"]["validation"]
    assert [row[0] for row in curve] == list(range(found["iterations"] + 1)) == list(range(found["kept"] + 4))
    assert min(curve, key=lambda row: row[1])[0] == found["kept"]
    assert found["scores"]["validation"]["accuracy"] == curve[found["kept"]][2]  # of the kept weights
    assert found["scores"]["test"]["accuracy"] == found["curves"]["test"][found["kept"]][2]
    assert np.sum(found["scores"]["validation"]["confusion"], axis=1).tolist() == [6, 6, 2]  # in proportion
    assert load_network("m").training.epochs == found["kept"] + 1


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
    ran = bpnn("train", flowers, "--from", "m", *EPOCHS, "--test-share", "0.5")
    assert "another test-share than before" in ran.out


def test_several_seeds_are_each_what_one_run_is(flowers, bpnn, result):
    how = ("--test-share", "0.25", "--epochs", 8, "--rule", "nesterov", "--learning-rate", "0.01")
    found = result("train", flowers, *how, "--seeds", 3)
    assert found["seeds"] == [0, 1, 2]
    values = found["spread"]["test"]["accuracy"]["values"]
    assert found["scores"]["test"]["accuracy"] == pytest.approx(np.mean(values))
    assert found["spread"]["test"]["accuracy"]["sd"] == pytest.approx(np.std(values, ddof=1))
    assert found["patterns"]["test"] == 14
    alone = result("train", flowers, *how)
    assert found["error"][0] == pytest.approx(alone["error"], rel=1e-4)  # other sums of float32 in a block of networks
    assert len(set(found["error"])) == 3
    said = bpnn("train", flowers, *how, "--seeds", 3).out
    assert "(mean ± sd, 3 networks)" in said
    rates = result("train", "nand.txt", "--seeds", 2, "--epochs", 30)
    assert rates["scores"]["train"]["success_rate"] == np.mean(rates["spread"]["train"]["success_rate"]["values"])


def test_a_schedule_is_followed_from_the_command_line(flowers, result):
    constant, falls = (
        result("train", flowers, *EPOCHS, "--schedule", name)["error"] for name in ("constant", "exponential:0.01")
    )
    assert falls > constant * 1.05  # after the first epoch it hardly learns


def test_a_schedule_that_is_told_the_epochs_in_all_goes_on(flowers, bpnn):
    how = ("--schedule", "cosine:0:6", "--rule", "heavy-ball", "--learning-rate", "0.01")
    bpnn("train", flowers, *how, "--epochs", 6, "--save", "whole")
    bpnn("train", flowers, *how, "--epochs", 2, "--save", "m")
    ran = bpnn("train", flowers, "--from", "m", "--epochs", 4, "--save", "n")
    assert "ends with these epochs" not in ran.out
    for a, b in zip(load_network("whole").weights, load_network("n").weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert "cosine ends with these epochs" in bpnn("train", flowers, "--from", "m", *EPOCHS, "--schedule", "cosine").out


def test_balanced_classes_find_the_rare_one(flowers, bpnn, result):
    plain, balanced = (
        result("train", flowers, "--epochs", 12, "--class-weights", how)["scores"]["train"]["recall"][2]
        for how in ("none", "balanced")
    )
    assert balanced > plain
    found = result("train", flowers, *EPOCHS, "--class-weights", "balanced")
    assert found["patterns"]["train"] == 56  # rows, not how often
    assert "an epoch learns 72 patterns" in bpnn("train", flowers, *EPOCHS, "--class-weights", "balanced").out


def test_the_drawing_is_a_png_that_is_known_again(flowers, bpnn, refused):
    pytest.importorskip("altair")
    (bpnn("train", flowers, *EPOCHS, "--validation", "0.2", "--plot", "p.png"))
    with open("p.png", "rb") as file:
        content = file.read()
    assert content.startswith(b"\x89PNG")
    assert b"Software\0bpnn-jax" in content[:100]
    assert bpnn("train", "nand.txt", *EPOCHS, "--plot", "p.png").code == 0  # one of its own is replaced
    with open("other.png", "wb") as file:
        file.write(content.replace(b"bpnn-jax", b"somebody"))
    refused(["train", flowers, *EPOCHS, "--plot", "other.png"], "--overwrite replaces it")
    refused(["train", flowers, *EPOCHS, "--plot", "p.pdf"], "expected plot to end in .png")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--patience", 3], "expected patience with validation"),
        (["--seeds", 1], "expected seeds as a whole number from 2 up, got 1"),
        (["--seeds", 3, "--save", "m"], "expected no save with seeds"),
        (["--validation", "0.6", "--test-share", "0.5"], "expected rows left to train on"),
        (["--schedule", "cosin"], "did you mean 'cosine'"),
        (["--schedule", "step:0.5:0"], "epochs per step as a whole number from 1 up"),
        (["--class-weights", "balanced", "--target", "petal"], "expected balanced class weights for a classification"),
        (["--export", "net.onnx"], "expected export to end in .json, .npz, .c"),
        (["--from", "nowhere"], "a path that does not exist"),
    ],
)
def test_what_does_not_go_together_is_refused(flowers, refused, options, words):
    refused(["train", flowers, *EPOCHS, *options], words)


@pytest.mark.parametrize("option", [("--validation", "0.5"), ("--class-weights", "balanced")])
def test_what_is_for_tables_is_refused_elsewhere(refused, option):
    refused(["train", "nand", *option], "with a table, got it with nand")


def test_an_export_holds_the_network(flowers, bpnn):
    bpnn("train", flowers, *EPOCHS, "--save", "m", "--export", "m.json")
    bpnn("train", flowers, *EPOCHS, "--export", "m.npz")
    saved = load_network("m")
    with open("m.json") as file:
        found = json.load(file)
    assert (found["sizes"], found["outputs"]) == ([4, 8, 3], ["bell", "cup", "dish"])
    assert found["inputs"] == ["petal", "stalk", "place=n", "place=s"]
    with np.load("m.npz") as arrays:
        assert arrays["inputs"].tolist() == found["inputs"]
        for l, W in enumerate(saved.weights, 1):
            np.testing.assert_array_equal(arrays[f"W{l}"], W)
            np.testing.assert_allclose(found["weights"][l - 1], W, rtol=1e-7)
        np.testing.assert_allclose(arrays["mean_x"], found["encoding"]["scale_x"][0])


@pytest.mark.skipif(shutil.which("gcc") is None, reason="there is no gcc here")
def test_the_exported_c_computes_what_the_network_does(flowers, bpnn, here):
    bpnn("train", flowers, *EPOCHS, "--save", "m", "--export", "m.c")
    saved, table = load_network("m"), read_file("f.csv").table
    cells = zip(*(column.values for column in table.columns), strict=True)
    raw = np.array([[float(a), float(b), place == "n", place == "s"] for a, b, place, _ in cells])
    expected = predict(saved.network, saved.weights, saved.encoding.inputs(table))
    np.testing.assert_allclose(_compiled(here, "m.c", raw), expected, atol=1e-5)  # float32 beside double


@pytest.mark.skipif(shutil.which("gcc") is None, reason="there is no gcc here")
def test_the_exported_c_has_every_kind_of_network(here):
    x = np.random.default_rng(0).normal(size=(5, 3)) * 3
    for name in ACTIVATIONS:
        network = Network((3, 4, 2, 2), (name, "tanh", name), hidden_bias=False, skip=True)
        if name == "softmax":
            network = Network((3, 4, 2), ("tanh", name))
        weights = init(network, 1)
        (here / "n.c").write_bytes(exported("n.c", network, weights, outputs=['"quoted\\', "ø??/"]))
        # float32's rounding of sums of some ten numbers up to 10
        np.testing.assert_allclose(
            _compiled(here, "n.c", x), predict(network, weights, x), rtol=1e-4, atol=1e-5, err_msg=name
        )
    assert set(ACTIVATIONS) - {"softmax"} <= set(C_ACTIVATIONS)


def _compiled(folder, source, rows):
    command = ["gcc", "-std=c99", "-Wall", "-Werror", "-DBPNN_MAIN", source, "-lm", "-o", "program"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    text = "\n".join(",".join(map(repr, map(float, row))) for row in rows)
    done = subprocess.run(["./program"], cwd=folder, input=text, capture_output=True, text=True, check=True)
    return np.array([line.split() for line in done.stdout.splitlines()], float)
