"""``bpnn verify`` and ``bpnn reproduce``: their reports. The ladder's is made up."""

import json
from pathlib import Path

import pytest

from bpnn_jax import verify
from bpnn_jax.cli import main, parse
from bpnn_jax.commands.verify import Verify

pytestmark = pytest.mark.quick_xla
NAND = "0 0 > 1\n0 1 > 1\n1 0 > 1\n1 1 > 0\n"


# --- verify ---

RIGHT = verify.Report(
    (verify.Check(3, "(9)", "JAX float64", 1, 1e-12, 1e-9, "correct"),),
    (verify.Caught("no slope", True, "(9)", "(9)", "f' left out", "(9)"),),
)


@pytest.fixture
def climbed(monkeypatch):
    """What the ladder was asked for. It is not climbed here (verify/test_ladder.py does): its report is made up."""
    asked = []
    monkeypatch.setattr(verify, "run", lambda options, progress, processes: asked.append(options) or RIGHT)
    return asked


def test_a_derivation_that_is_right_ends_in_status_zero(climbed, bpnn):
    ran = bpnn("verify", "--sizes", "2-2-1", "--activation", "tanh", "--networks", 2000, "--json", "j")
    assert climbed == [verify.Options(sizes=(2, 2, 1), activations=("tanh",), networks=2000)]
    assert ran.code == 0
    assert "correct: 1 checks, 1 of 1 mistakes caught" in ran.out
    assert json.loads(Path("j").read_text()) == {"bpnn": "verify", **RIGHT.to_json()}


def test_a_derivation_that_is_wrong_ends_in_status_one(here, bpnn, monkeypatch):
    """The rungs' own report, spoiled: the command must pass it on."""
    wrong = verify.Check(3, "(9)", "JAX float64", 1, 0.5, 1e-9, "wrong", "[a network]")
    monkeypatch.setattr(verify, "run", lambda options, progress, processes: verify.Report((wrong,), ()))
    ran = bpnn("verify", "--json", "j")
    assert ran.code == 1
    assert "WRONG [a network]" in ran.out
    assert json.loads(Path("j").read_text())["verdict"] == "wrong"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--sizes 0-1", ["positive whole numbers", "(0, 1)"]),
        ("--sizes abc", ["such as 2-2-1, got 'abc'"]),
        ("--sizes 1", ["such as 2-2-1, got '1'"]),
        ("--sizes 2-2-1.5", ["such as 2-2-1"]),
        ("--sizes=-1-2", ["such as 2-2-1"]),
        ("--networks 0", ["networks", "from 1 up, got 0"]),
        ("--networks -5", ["networks", "got -5"]),
        ("--seed -1", ["seed", "got -1"]),
        pytest.param("--seed 99999999999999999999", ["seed"]),
    ],
)
def test_what_verify_refuses(refused, options, words):
    small = ["--activation", "tanh", "--networks", "10", "--sizes", "1-1"] if "--seed" in options else []
    refused(["verify", *small, *options.split(), "--json", "j"], *words)


@pytest.mark.parametrize(
    ("switch", "chosen"),
    [
        ([], None),
        (["--hidden-bias"], True),
        (["--no-hidden-bias"], False),
        pytest.param(["--hidden-bias", "off"], False),
    ],
)
def test_the_switch_for_hidden_bias(climbed, bpnn, switch, chosen):
    bpnn("verify", *switch, "--sizes", "20-8-3", "--seed", 3, "--activation", "linear")
    assert climbed == [verify.Options((20, 8, 3), ("linear",), chosen, 100_000, 3)]


# --- reproduce ---


def test_the_article_s_numbers_without_its_data(bpnn, monkeypatch):
    monkeypatch.delenv("BPNN_ARTICLE_DATA", raising=False)
    ran = bpnn("reproduce", "--json", "j")
    assert (ran.code, ran.err) == (0, "")
    report = json.loads(Path("j").read_text())
    rows = report["rows"]
    assert all({"table", "what", "published", "ours", "match"} <= set(row) for row in rows)
    assert all(row["match"] is True for row in rows)
    assert sum(row["what"].startswith("error") for row in rows) == 21
    assert sum(row["what"].startswith("output") for row in rows) == 4
    assert (rows[-1]["published"], rows[-1]["ours"]) == ("0.00262203286178", "0.00262203286178")
    assert report["article_data"] is False
    told = " ".join(ran.out.split())
    assert "left out: the code recogniser's 65.20%, twice" in told
    assert "github.com/hankcs/neural_net" in told
    assert "BPNN_ARTICLE_DATA" in told


def test_the_article_s_numbers_with_its_data(article_file, result):
    report = result("reproduce", "--data", article_file.parent)
    assert [(r["published"], r["ours"], r["match"]) for r in report["rows"][-2:]] == [("65.20", "65.20", True)] * 2
    assert len(report["rows"]) == 27


@pytest.mark.parametrize("folder", ["nowhere", "nand.txt", "."])
def test_a_folder_without_the_article_s_data(refused, folder):
    refused(["reproduce", "--data", folder, "--json", "j"], f"expected testdata.200 in {folder}", "BPNN_ARTICLE_DATA")


def test_other_data_in_the_article_s_place_does_not_match(here, bpnn):
    line = " ".join(["0.1"] * 20)
    (here / "testdata.200").write_text(f"{line} > 1 0 0\n{line} > 0 1 0\n" * 501)
    ran = bpnn("reproduce", "--data", here, "--json", "j")
    assert ran.code == 1
    assert [row["match"] for row in json.loads(Path("j").read_text())["rows"]] == [True] * 25 + [False] * 2


@pytest.mark.parametrize("lines", ["1 2 > 1\n", NAND * 10])
def test_too_little_data_in_the_article_s_place(here, refused, lines):
    (here / "testdata.200").write_text(lines)
    refused(["reproduce", "--data", here], "testdata.200")


def test_verify_without_any_option_is_understood():
    assert parse(["verify"]) == Verify()
    assert parse(["verify", "--no-hidden-bias"]) == Verify(hidden_bias="off")
    assert parse(["verify", "--hidden-bias", "--seed", "3"]) == Verify(hidden_bias="on", seed=3)


def test_audit_says_what_it_cannot_use(here, refused, monkeypatch):
    (here / "mine.py").write_text(
        "import jax\n@jax.custom_vjp\ndef f(x, y):\n    return x * y\n"
        "f.defvjp(lambda x, y: (x * y, (x, y)), lambda r, g: (g * r[1], g * r[0]))\n"
        "def plain(x):\n    return x\n"
    )
    monkeypatch.syspath_prepend(str(here))
    refused(["audit", "mine:plain", "--args", "float32[3]"], "custom_vjp or custom_jvp", "mine:plain")
    refused(["audit", "mine:f", "--args", "float32[8,4]", "float32[5]"], "arguments that mine:f takes")
    refused(["audit", "mine:f"], "--args")
    refused(["audit", "mine:g"], "'g'")
    refused(["audit", "nowhere:f"], "'nowhere'")
    assert main(["audit", "mine:f", "--args", "float32[3]", "float32[3]", "--json", "j"]) == 0
    assert json.loads((here / "j").read_text())["verdict"] == "correct"


@pytest.mark.parametrize(
    ("code", "did"),
    [
        ("raise KeyboardInterrupt", "mine, when it was imported, to be audited, but it raised KeyboardInterrupt"),
        ("def f(): raise KeyboardInterrupt", "mine:f() to be audited, but it raised KeyboardInterrupt"),
        ("class R:\n  def __repr__(self): raise SystemExit\nf = R()", "got a R that cannot be shown (SystemExit)"),
        ("class R: pass\nf = R()", "got <mine.R object>"),
        ("f = {1: 2}", "got a dict of 1"),
    ],
    ids=["imported", "called", "a repr", "an address", "a dict"],
)
def test_audit_of_code_that_interrupts_or_ends_the_process_itself(here, python, code, did):
    (here / "mine.py").write_text(code)
    ran = python("-m", "bpnn_jax", "audit", "mine:f", "--junit", "j.xml", cwd=here)
    assert ran.returncode == 2, ran.stderr
    assert "bpnn audit: not audited: expected" in ran.stderr
    assert did in ran.stderr
    assert 'errors="1"' in (here / "j.xml").read_text()
