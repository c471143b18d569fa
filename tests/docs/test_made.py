"""What a program makes of the documentation is up to date: links to lines, the worked pass, the drawing."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

import docs.__main__
from docs import drawing, links, worked_pass

ROOT = Path(docs.__main__.__file__).resolve().parents[1]


def test_nothing_is_out_of_date():
    assert [str(path.relative_to(ROOT)) for path in docs.__main__.stale()] == [], "run python -m docs --write"


# --- links ---

SOURCE = "LIMIT = 3\n\n\n@cache\ndef f():\n    pass\n\n\nclass Net(Base):\n    sizes: tuple\n\n    def above(self):\n        pass\n"


@pytest.fixture
def page(tmp_path):
    (tmp_path / "m.py").write_text(SOURCE)
    return tmp_path / "page.md"


@pytest.mark.parametrize(("name", "line"), [("LIMIT", 1), ("f", 5), ("Net", 9), ("Net.above", 12), ("Net.sizes", 10)])
@pytest.mark.parametrize("was", ["", "#L999"])
def test_a_link_leads_to_the_line(page, name, line, was):
    text = f"a [`{name}`](m.py{was}), [no name](m.py), [`f`](https://example.org/m.html)"
    assert links.to_lines(page, text) == text.replace(f"(m.py{was})", f"(m.py#L{line})", 1)


@pytest.mark.parametrize(("link", "words"), [("[`g`](m.py)", "define g"), ("[`f`](no.py#L1)", "no.py, got none")])
def test_a_link_to_nothing_is_told(page, link, words):
    with pytest.raises(ValueError, match=words):
        links.to_lines(page, link)


def test_every_link_into_the_code_names_what_it_leads_to():
    """Every line that any page leads to holds the name's definition, read here without the tool."""
    found = 0
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for name, target, line in re.findall(r"\[`([\w.]+)`\]\(([^()\s#]+\.py)#L(\d+)\)", page.read_text("utf-8")):
            text = (page.parent / target).read_text("utf-8").splitlines()[int(line) - 1]
            assert re.match(rf"\s*(def |class )?{name.rpartition('.')[2]}\b", text), (page.name, name, text)
            found += 1
    assert found > 20


# --- the worked pass ---


def test_the_numbers_of_the_pass_by_other_means():
    """The same network in plain Python floats, without ``manual``."""
    W1, W2, (x1, x2), t = worked_pass.W1.tolist(), worked_pass.W2[:, 0].tolist(), worked_pass.X.tolist(), 1.0

    def f(z):
        return 1 / (1 + np.exp(-z))

    z1 = [x1 * W1[0][k] + x2 * W1[1][k] + W1[2][k] for k in (0, 1)]
    a1 = [f(z) for z in z1]
    z2 = a1[0] * W2[0] + a1[1] * W2[1] + W2[2]
    a2 = f(z2)
    d2 = (a2 - t) * a2 * (1 - a2)
    d1 = [a * (1 - a) * d2 * W2[k] for k, a in enumerate(a1)]
    text = worked_pass.text()
    for row in (
        f"| (5) | $z^1$ | $1 \\cdot 0.5 + 0.5 \\cdot 0.2 + 1 \\cdot 0.1$ | $({z1[0]:.4f}, {z1[1]:.4f})$ |",
        f"| $({a1[0]:.4f}, {a1[1]:.4f})$ |",
        f"| ${z2:.4f}$ |",
        f"| ${a2:.4f}$ |",
        f"| (8) | $\\delta^2$ | $({a2:.4f} - 1) \\cdot {a2 * (1 - a2):.4f}$ | ${d2:.4f}$ |",
        f"| $({d1[0]:.4f}, {d1[1]:.4f})$ |",
        f"{W1[0][0] - 0.5 * d1[0] * x1:.4f} & {W1[0][1] - 0.5 * d1[1] * x1:.4f}",
        f"{W2[0] - 0.5 * d2 * a1[0]:.4f} \\cr",
        f"the error falls from {(a2 - t) ** 2 / 2:.4f} to ",
    ):
        assert row in text


def test_the_difference_quotient_of_the_page_is_the_gradient_s_first_number():
    text = worked_pass.text()
    (quotient,) = re.findall(r"that is (-?[\d.]+), the first", text)
    assert f"\\partial W^1}} = \\begin{{pmatrix}} 1 \\cr 0.5 \\cr 1 \\end{{pmatrix}} ({quotient}, " in text


def test_a_page_without_the_markers_is_refused():
    with pytest.raises(ValueError, match="without them"):
        worked_pass.inserted("a page")


# --- the drawing ---


def test_the_drawing_is_sound_and_has_every_symbol_of_the_notation():
    root = ET.fromstring(drawing.svg())
    text = "".join(root.itertext()).replace("\u200b", "")
    for symbol in (
        "x1",
        "a0",
        "z11",
        "a12",
        "W112",
        "W̄",
        "θ1k",
        "δ12",
        "δ21",
        "∂E/∂z11",
        "f(z1)",
        "½ (a2 - t)²",
        "bias node",
    ):
        assert symbol in text
    assert {f"({n})" for n in range(5, 13)} <= set(re.findall(r"\(\d+\)", text))
