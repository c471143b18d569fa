"""The documentation site: every page and public name is on it, links lead to what is there, nothing is fetched from elsewhere."""

import json
import re

import pytest

from docs.site import __main__ as site
from docs.site import configuration, docstrings, pages, reference
from tests import lowest


@pytest.fixture(scope="module")
def found():
    return pages.all_of_them()


def test_every_page_of_the_documentation_is_in_the_navigation():
    there = {file.name for file in pages.DOCS.iterdir() if file.suffix in (".md", ".ipynb")}
    assert there == {file for file in configuration.files() if not file.startswith("../")}


def test_every_link_leads_to_a_page_or_a_picture_of_the_site(found):
    names = {*found, *(f"reference/{face}.md" for face in reference.FACES)}
    seen = 0
    for page, text in found.items():
        if not page.endswith(".md"):
            continue
        outside = re.sub(r"^(`{3,}).*?^\1", "", text, flags=re.DOTALL | re.MULTILINE)
        for target in re.findall(r"\]\(([^()\s#]+)[^()\s]*\)", re.sub(r"`[^`\n]+`", "", outside)):
            if "://" not in target:
                parts = [*page.split("/")[:-1], *target.split("/")]
                while ".." in parts:
                    at = parts.index("..")
                    del parts[at - 1 : at + 1]
                assert "/".join(p for p in parts if p != ".") in names, (page, target)
                seen += 1
    assert seen > 100


def test_a_link_to_a_line_leads_to_the_line_of_the_source_page(found):
    text = found["derivation.md"]
    line = re.search(r"\[`forward`\]\(source/manual/network\.py\.md#L-1-(\d+)\)", text)
    source = found["source/manual/network.py.md"].split('linenums="1"\n')[1].splitlines()
    assert source[int(line[1]) - 1].startswith("def forward(")


def test_no_dollar_of_the_derivation_is_left(found):
    assert "$" not in re.sub(r"^```.*?^```|`[^`\n]+`", "", found["derivation.md"], flags=re.DOTALL | re.MULTILINE)
    assert found["derivation.md"].count('<math display="block">') > 20
    assert "<span>(20)</span>" in found["derivation.md"]
    assert "\n| $" not in found["derivation.md"]


def test_every_public_name_is_explained_once():
    made = reference.all_of_them()
    text = "\n".join(made.values())
    for face in reference.FACES:
        for name in reference.public(face):
            path = reference.path_of(face, name)
            if path is None:
                assert f"`{name}`" in made[f"reference/{face}.md"]
            else:
                assert text.count(f"::: {path}\n") == 1, path


def test_the_site_asks_no_other_server(tmp_path):
    settings = json.loads(configuration.text())
    assert settings["theme"]["font"] is False
    (tmp_path / "a.html").write_text(
        '<script src="https://x.org/a.js"></script><link rel="canonical" href="https://x.org/">'
    )
    (tmp_path / "b.html").write_text('<a href="https://x.org"></a><img src="a.png"><link href="assets/a.css">')
    assert site.foreign(tmp_path) == ['a.html: <script src="https://']
    assert site.main(["--check", str(tmp_path)]) == 1


def test_fields_of_a_docstring_are_items():
    text = "Does it.\n\na, b:  of two\n       lines\nc:     of one\n\nRaises InputError: no item.\n\n>>> f(1)\n2"
    assert docstrings.as_markdown(text) == (
        "Does it.\n\n- `a`, `b`: of two lines\n- `c`: of one\n\nRaises InputError: no item.\n\n```pycon\n>>> f(1)\n2\n```"
    )


def test_a_notebook_shows_what_its_cells_gave():
    cells = [
        {"cell_type": "markdown", "source": ["# T\n", "text"]},
        {"cell_type": "code", "source": ["1 + 1"], "outputs": [{"data": {"text/plain": ["2"]}}]},
        {"cell_type": "code", "source": ["r"], "outputs": [{"data": {"text/plain": "r", "text/html": "<b>r</b>"}}]},
    ]
    assert pages.notebook({"cells": cells}).split() == [
        "#",
        "T",
        "text",
        "```python",
        "1",
        "+",
        "1",
        "```",
        "```text",
        "2",
        "```",
        "```python",
        "r",
        "```",
        "<b>r</b>",
    ]


def test_the_lowest_versions_are_those_declared():
    lines = lowest.lowest(lowest.PYPROJECT.read_text("utf-8"))
    assert {"jax==0.10.2", "numpy==2.1", "scikit-learn==1.6"} <= set(lines)
    with pytest.raises(ValueError, match="expected one lowest version of a, got 1 and 2"):
        lowest.lowest('[project]\ndependencies = ["a>=1", "a>=2"]')
