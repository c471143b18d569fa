"""``bpnn predict``, on what ``bpnn train`` saved."""

import numpy as np
import pytest

from bpnn_jax import Network, save_network

pytestmark = pytest.mark.quick_xla


def test_the_article_s_lines(here, bpnn):
    network = Network((1, 3), "linear")
    save_network("m", network, (np.array([[0.0, 0, 0.7], [0.9996, 0.25, 0]], np.float32),))
    (here / "d.txt").write_text("0 > 1 0 0\n1 > 1 0 0\n")
    assert bpnn("predict", "m", "d.txt") == (
        0,
        "Targets: [1, 0, 0] -- Errors: (0.000 OK)   (0.250 OK)   (0.000 OK)   -- SUCCESS!\n"
        "Targets: [1, 0, 0] -- Errors: (0.000 OK)   (0.250 OK)   (0.700 FAIL)   -- FAILURE!\n"
        "Success rate against test data: 50.00%\n",
        "",
    )


def test_predict_takes_the_patterns_that_are_asked_for(here, result):
    result("train", "nand.txt", "--epochs", 50, "--save", "m")
    outputs = result("predict", "m", "nand.txt")["outputs"]
    assert len({str(o) for o in outputs}) == 4
    for options, wanted in (
        (["--skip", 1, "--limit", 2], outputs[1:3]),
        (["--skip", 3], outputs[3:]),
        (["--limit", 9], outputs),
    ):
        np.testing.assert_allclose(result("predict", "m", "nand.txt", *options)["outputs"], wanted, rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("m nand --skip 4", ["skip from 0 to 3, got 4"]),
        ("m nand --skip -1", ["got -1"]),
        ("m nand --limit 0", ["limit", "from 1 up, got 0"]),
        ("m parity-3", ["parity-3", "expected 2 inputs and 1 targets for 2-2-1 sigmoid, got 3 and 1"]),
        ("m encoder-2", ["got 2 and 2"]),
        ("m nowhere", ["'nowhere'", "no such file"]),
        ("m nand.txt --targets 2", ["expected 2 targets a pattern, got 1"]),
        ("nowhere nand", ["nowhere: expected a saved network", "does not exist"]),
        ("nand.txt nand", ["nand.txt: expected a whole safetensors file"]),
        ("folder nand", ["folder: expected"]),
        ("cut nand", ["cut: expected a whole safetensors file"]),
    ],
)
def test_what_predict_refuses(here, refused, arguments, words, zeros):
    save_network("m", *zeros((2, 2, 1)))
    (here / "cut").write_bytes((here / "m").read_bytes()[:-5])
    (here / "folder").mkdir()
    refused(["predict", *arguments.split(), "--json", "j"], *words)


def test_a_pattern_s_verdict_does_not_depend_on_the_patterns_beside_it(here, result):
    save_network("m", Network((1, 1), "linear"), (np.array([[0.0], [0.3]], np.float32),))
    (here / "d.txt").write_text("0 > 1\n0 > -1\n")
    both = result("predict", "m", "d.txt")["success"]
    assert result("predict", "m", "d.txt", "--limit", 1)["success"] == both[:1]
