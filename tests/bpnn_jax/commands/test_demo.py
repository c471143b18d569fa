"""``bpnn demo``: the tour runs, says what is true, fits a terminal, and its exit status is 1 where something is wrong."""

import contextlib
import io
import json

import jax
import numpy as np
import pytest

from bpnn_jax import article, patterns
from bpnn_jax.cli import main
from bpnn_jax.commands import demo
from bpnn_jax.verify import equations
from manual import mistakes
from manual.mistakes import MISTAKES, Mistake

pytestmark = pytest.mark.quick_xla


@pytest.fixture(scope="module")
def tour(tmp_path_factory):
    """The exit status, the lines printed, the JSON, and the folder."""
    folder, out = tmp_path_factory.mktemp("demo"), io.StringIO()
    standard = jax.numpy_dtype_promotion("standard")  # optax's Adam needs it
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), standard:
        patch.chdir(folder)
        patch.delenv("BPNN_ARTICLE_DATA", raising=False)
        code = main(["demo", "--json", "d.json"])
    return code, out.getvalue().splitlines(), json.loads((folder / "d.json").read_text()), folder


def test_the_tour_fits_a_terminal(tour):
    _, lines, _, _ = tour
    assert max(map(len, lines)) <= demo.WIDTH == 80
    assert 35 <= len(lines) <= 50


def test_the_tour_leads_with_the_mistakes_and_the_audit(tour):
    code, lines, found, _ = tour
    assert code == 0
    assert lines[0].startswith(f"── 1. {len(MISTAKES)} wrong derivations")
    assert f"{len(MISTAKES)} of {len(MISTAKES)} caught" in "\n".join(lines)
    assert [m["caught_at"] for m in found["mistakes"]] == [f"({m.equation})" for m in MISTAKES]
    assert "likely cause: a missing factor: 1 + a" in "\n".join(lines)
    assert found["audit"]["first_wrong_stage"] == "z"


def test_every_number_of_an_equation_has_its_name_beside_it(tour):
    _, lines, _, _ = tour
    numbered = [line for line in lines if line.startswith("  ") and any(f" {n} " in line for n in demo.NAMES)]
    assert len(numbered) == 21
    assert all(f"{demo.NAMES[n]} {n}" in line for line in numbered for n in demo.NAMES if f" {n} " in line)


def test_the_examples_are_mistakes_at_their_equation():
    by_name = {m.name: f"({m.equation})" for m in MISTAKES}
    assert {equation: by_name[name] for equation, name in demo.EXAMPLES.items()} == {e: e for e in demo.EXAMPLES}
    assert set(demo.EXAMPLES) == set(by_name.values()) <= set(demo.NAMES)


def test_the_tour_repeats_the_article(tour):
    _, lines, found, _ = tour
    assert "  error at iteration 0    article 0.171204877501    ours 0.171204877501" in lines
    assert "25 of 25 numbers agree" in "\n".join(lines)
    assert found["reproduce"]["match"] is True


def test_the_network_of_the_tour_predicts_as_it_said(tour, result):
    _, lines, found, folder = tour
    counts = np.array(found["train"]["confusion"])
    assert counts.sum() == len(patterns.load_held_out("code"))
    assert found["train"]["largest_output_rate"] == pytest.approx(100 * np.trace(counts) / counts.sum())
    assert found["train"]["largest_output_rate"] > 80
    assert found["table"]["largest_output_rate"] > 90  # of 45 flowers that it has not seen
    assert sorted(p.name for p in folder.rglob("*") if p.is_file()) == ["code.safetensors", "d.json"]
    predicted = result("predict", folder / "demo" / "code.safetensors", "code")
    assert predicted["success_rate"] == found["train"]["success_rate"]
    assert "saved demo/code.safetensors; next: bpnn predict demo/code.safetensors code" in lines


def test_a_mistake_that_is_not_caught_is_told(monkeypatch):
    monkeypatch.setattr(mistakes, "MISTAKES", (*MISTAKES, Mistake("none at all", 9, "nothing is wrong")))
    found, right, lines = demo.catalogue()
    assert not right
    assert found["mistakes"][-1]["caught_at"] == ""
    assert "9 of 10" in next(line for line in lines if "hidden delta (9)" in line)


def test_a_derivation_that_is_wrong_is_told(monkeypatch):
    planted = next(m for m in MISTAKES if m.name == "hidden sign")
    right = equations.compare
    monkeypatch.setattr(equations, "compare", lambda *judged: right(*judged, planted))
    found, right, lines = demo.derivation()
    assert not right
    assert "WRONG" in next(line for line in lines if "hidden delta (9)" in line)
    assert [c["equation"] for c in found["checks"] if c["verdict"] == "wrong"] == ["(9)"]


def test_a_number_of_the_article_that_does_not_agree_is_told(monkeypatch):
    monkeypatch.delenv("BPNN_ARTICLE_DATA", raising=False)
    monkeypatch.setattr(article, "NAND_OUTPUTS", ["0.5", *article.NAND_OUTPUTS[1:]])
    found, right, lines = demo.repeated()
    assert not right
    assert found["reproduce"]["match"] is False
    assert lines[-1].startswith("24 of 25")


def test_a_part_that_is_wrong_ends_in_status_one(here, bpnn, monkeypatch):
    for part in ("catalogue", "wrong_gradient", "derivation", "repeated"):
        monkeypatch.setattr(demo, part, lambda: ({}, True, []))
    monkeypatch.setattr(demo, "recogniser", lambda model: ({}, True, []))
    assert bpnn("demo").code == 0
    monkeypatch.setattr(demo, "repeated", lambda: ({}, False, []))
    ran = bpnn("demo")
    assert ran.code == 1
    assert "NOT AS IT SHOULD BE" in ran.out


@pytest.mark.parametrize("folder", ["nand.txt", "nand.txt/x"])
def test_a_folder_that_the_demo_cannot_make(refused, folder):
    refused(["demo", "--folder", folder], "expected a folder that can be made", folder)
