"""``bpnn featurize``: folders of source code to two files of patterns."""

from pathlib import Path

import pytest

from bpnn_jax import load_network

pytestmark = pytest.mark.quick_xla


@pytest.fixture
def sources(here):
    for i in range(6):
        (here / "src" / "sub folder").mkdir(parents=True, exist_ok=True)
        (here / f"src/ä {i}.c").write_text(f"int f{i}(int a[]) {{ return a[{i}] + 1; }}\n" * (10 + i))
        (here / f"src/sub folder/b{i}.py").write_text(f"def f{i}(a): return a['{i}'] + 1  # no\n" * (10 + i))
    return ["src", "--chunk", "50", "--symbols", "3"]


def test_featurize_then_train_on_what_it_wrote(sources, result, bpnn, contents):
    made = result("featurize", *sources, "--out", "made.txt")
    assert made["train"]["path"] == "made.train.txt"
    assert set(made["train"]["files"]) == {"C", "Python"}
    assert sum(made["train"]["files"].values()) + sum(made["held_out"]["files"].values()) == 12
    first = contents(Path())
    got = result("train", "made.train.txt", "--test", "made.test.txt", "--epochs", 60, "--hidden", 3, "--save", "m")
    assert got["network"] == "3-3-2 sigmoid"
    assert got["test_success_rate"] == 100
    assert sum(map(sum, got["confusion"])) == sum(made["held_out"]["patterns"].values())
    assert load_network("m").outputs == ("C", "Python")
    bpnn("featurize", *sources, "--out", "made.txt")
    assert contents(Path())["made.train.txt"] == first["made.train.txt"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("empty", ["found none in empty", ".py"]),
        ("nowhere", ["expected a folder", "nowhere"]),
        ("nand.txt", ["expected a folder", "nand.txt"]),
        ("src --chunk 9", ["at least 10 characters", "chunk=9"]),
        ("src --chunk 100000", ["one whole chunk", "none"]),
        ("src --chunk 50 --symbols 0", ["symbols=0"]),
        ("src --chunk 50 --symbols 33", ["symbols=33"]),
        ("src --held-out 0", ["between 0 and 1", "0.0"]),
        ("src --held-out nan", ["between 0 and 1", "nan"]),
        ("src --limit 1", ["limit=1"]),
        ("src --languages .c", ["got '.c'"]),
        ("src --languages .c=C", ["at least 2 languages"]),
        ("src --chunk 50 --symbols 3 --out made.csv", ["made.csv", ".txt"]),
        ("src --chunk 50 --symbols 3 --out empty", ["expected a name"]),
        ("src --chunk 50 --symbols 3 --out no/made.txt", ["no folder no"]),
        pytest.param("src --chunk 50 --symbols 3 --out a.txt --json a.train.txt", ["a.train.txt"]),
    ],
)
def test_what_featurize_refuses(here, sources, refused, arguments, words):
    (here / "empty").mkdir()
    refused(["featurize", *arguments.split()], *words)
