"""Every page: lines that fit, links that lead somewhere, and examples whose imports are there."""

import ast
import doctest
import importlib
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.quick_xla
ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
LENGTH = 135  # of a line of prose, as in docstrings; tables, formulas and quotations of what a program prints are as they are
LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)")
WRITTEN = re.compile(r"<!-- [^>]*writes from here -->.*?<!-- (?:to|the grid ends) here -->", re.DOTALL)


def outside_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", outside_code(text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_prose_fits_the_line(page):
    prose = re.sub(r"\$\$.*?\$\$", "", outside_code(WRITTEN.sub("", page.read_text("utf-8"))), flags=re.DOTALL)
    assert [line for line in prose.splitlines() if len(line) > LENGTH and not line.startswith(("|", "> "))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_a_link_leads_somewhere(page):
    for target in LINK.findall(outside_code(page.read_text("utf-8"))):
        file, _, anchor = target.partition("#")
        if "://" not in target:
            linked = page.parent / file if file else page
            assert linked.exists(), target
            assert linked.suffix != ".md" or not anchor or anchor in anchors(linked.read_text("utf-8")), target


def blocks() -> list:
    return [
        pytest.param(block, id=f"{page.name}-{number}")
        for page in PAGES
        for number, block in enumerate(
            re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
        )
        if not block.startswith(">>>")  # a doctest, which runs as a whole
    ]


@pytest.mark.parametrize("block", blocks())
def test_what_an_example_imports_is_there(block):
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                importlib.import_module(alias.name)
        if isinstance(node, ast.ImportFrom):
            module = importlib.import_module(node.module or "")
            for alias in node.names:
                there = hasattr(module, alias.name) or importlib.import_module(f"{node.module}.{alias.name}")
                assert there


@pytest.mark.parametrize(("page", "least", "needs"), [("training.md", 8, "bpnn_jax"), ("sklearn.md", 8, "sklearn")])
def test_the_examples_of_a_page_print_what_it_says(page, least, needs):
    pytest.importorskip(needs, reason=f"{needs} is not installed")
    failed, attempted = doctest.testfile(str(ROOT / "docs" / page), module_relative=False, globs={})
    assert attempted >= least
    assert failed == 0
