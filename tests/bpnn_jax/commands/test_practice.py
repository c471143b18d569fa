"""``bpnn train`` as people use it: validation, seeds, schedules, class weights, drawings, exports."""

import json
import shutil
import subprocess

import numpy as np
import pytest

import manual
from bpnn_jax import Network, load_network, predict
from bpnn_jax.export import C_ACTIVATIONS, exported
from bpnn_jax.network import ACTIVATIONS
from bpnn_jax.patterns.formats import read_file

pytestmark = pytest.mark.quick_xla
SPLIT = ("--validation", "0.25", "--test-share", "0.25")
EPOCHS = ("--epochs", 4)


def test_validation_keeps_the_best_weights_and_stops(flowers, bpnn, result):
    options = [*SPLIT, "--patience", 3, "--epochs", 300, "--save", "m"]
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
    bpnn("train", flowers, *EPOCHS, *SPLIT, "--plot", "p.png")
    with open("p.png", "rb") as file:
        content = file.read()
    assert content.startswith(b"\x89PNG")
    assert b"Software\0bpnn-jax" in content[:100]
    assert bpnn("train", flowers, *EPOCHS, *SPLIT, "--plot", "p.png").code == 0  # one of its own is replaced
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
    bpnn("train", flowers, *EPOCHS, *SPLIT, "--save", "m", "--export", "m.json")
    bpnn("train", flowers, *EPOCHS, *SPLIT, "--export", "m.npz")
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
    bpnn("train", flowers, *EPOCHS, *SPLIT, "--save", "m", "--export", "m.c")
    saved, table = load_network("m"), read_file("f.csv").table
    cells = zip(*(column.values for column in table.columns), strict=True)
    raw = np.array([[float(a), float(b), place == "n", place == "s"] for a, b, place, _ in cells])
    expected = predict(saved.network, saved.weights, saved.encoding.inputs(table))
    np.testing.assert_allclose(_compiled(here, "m.c", raw), expected, atol=1e-5)  # float32 beside double


@pytest.mark.skipif(shutil.which("gcc") is None, reason="there is no gcc here")
def test_the_exported_c_has_every_kind_of_network(here):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5, 3)) * 3
    for name in ACTIVATIONS:
        network = Network((3, 4, 2, 2), (name, "tanh", name), hidden_bias=False, skip=True)
        if name == "softmax":
            network = Network((3, 4, 2), ("tanh", name))
        weights = [rng.uniform(-1, 1, shape) for shape in network.shapes]
        (here / "n.c").write_bytes(exported("n.c", network, weights, outputs=['"quoted\\', "ø??/"]))
        functions = [manual.OUTPUT_ACTIVATIONS[f] for f in network.activations]
        expected = manual.forward(weights, x, functions, network.skip).layers[-1].a
        # Both in double precision: some 1e-15 of rounding, in sums of ten numbers up to 10.
        np.testing.assert_allclose(_compiled(here, "n.c", x), expected, rtol=1e-8, atol=1e-12, err_msg=name)
    assert set(ACTIVATIONS) - {"softmax"} <= set(C_ACTIVATIONS)


def _compiled(folder, source, rows):
    command = ["gcc", "-std=c99", "-Wall", "-Werror", "-DBPNN_MAIN", source, "-lm", "-o", "program"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    text = "\n".join(",".join(map(repr, map(float, row))) for row in rows)
    done = subprocess.run(["./program"], cwd=folder, input=text, capture_output=True, text=True, check=True)
    return np.array([line.split() for line in done.stdout.splitlines()], float)
