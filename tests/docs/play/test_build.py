"""What makes one file of the page's modules, and what it takes from the derivation."""

import re
from pathlib import Path

import pytest

from docs.play import build, bundle

IMPORTS_B = 'import { b } from "./other.js";\nb();\n'
DERIVATION = (build.ROOT / "docs" / "derivation.md").read_text("utf-8")


@pytest.fixture
def modules(tmp_path):
    def modules(**sources) -> Path:
        for name, text in sources.items():
            (tmp_path / f"{name}.js").write_text(text)
        return tmp_path

    return modules


def test_a_module_comes_after_what_it_imports_and_keeps_its_names_to_itself(modules):
    folder = modules(
        main='import { twice } from "./a.js";\nimport { three } from "./b.js";\nconst hidden = 1;\nconst x = twice(three) + hidden;\n',
        a='import { three } from "./b.js";\nconst hidden = 2;\nexport function twice(x) {\n  return hidden * x + 0 * three;\n}\n',
        b="const hidden = 3;\nexport const three = hidden;\n",
    )
    text = bundle.bundled(folder, "main.js", ("b.js",))
    assert re.findall(r"const module_(\w+) = ", text) == ["b", "a", "main"]
    assert "import" not in text
    assert "export" not in text
    assert "const { twice } = module_a;" in text
    assert "return { twice };" in text
    assert "window.bpnn = Object.assign({}, module_b);" in text


@pytest.mark.parametrize(
    ("main", "other", "words"),
    [
        (IMPORTS_B, "const b = 1;\n", "other.js to export b"),
        ('import { b } from "./other.js";\n', "export const b = 1;\n", "to be used, got b"),
        (IMPORTS_B, 'import { m } from "./main.js";\nexport const b = m;\n', "main.js > other.js > main.js"),
        ('import b from "./other.js";\n', "", "got import b"),
        ('import { b } from "https://example.org/b.js";\n', "", "got import"),
        ("export default 1;\n", "", "got export default"),
    ],
)
def test_what_cannot_be_one_module_is_refused(modules, main, other, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        bundle.bundled(modules(main=main, other=other), "main.js")


def test_every_equation_has_its_formula_its_line_and_its_numbers():
    """As the derivation has them: the number of the last column of its table is read here in another way."""
    found = build.equations(DERIVATION)
    assert [equation["number"] for equation in found] == list(range(1, 23))
    for equation in found:
        (row,) = (line for line in DERIVATION.splitlines() if line.startswith(f"| ({equation['number']}) | `"))
        assert row.split(" | ")[-2:] == [equation["worst"], f"{equation['allowed']} |"]
        assert all(f["code"].startswith(f"def {f['name']}(") and '"""' not in f["code"] for f in equation["functions"])
        source = (build.ROOT / equation["functions"][0]["file"]).read_text("utf-8")
        assert equation["key"]
        assert all(line in source for line in equation["key"].splitlines())
        for parts in equation["math"].values():
            assert "\\" not in "".join(parts)  # no command of LaTeX is left
    assert found[8]["key"] == "return layer.derivative * (delta_above @ above.W_bar.T)"
    assert found[7]["key"].startswith("return (layer.a - t) * layer.derivative  # (8)")  # and not softmax's line alone
    assert found[4]["key"].startswith("z = with_bias_node(below, W) @ W")


def test_the_words_of_the_equations_are_chinese_on_the_chinese_page():
    for equation in build.equations(DERIVATION):
        for word in re.findall(r"<mtext>(.*?)</mtext>", "".join(equation["math"]["zh"])):
            assert not re.search(
                r"[a-z]{2,}", word.replace("sigmoid", "").replace("tanh", "").replace("softmax", "")
            ), word


def test_no_module_is_longer_than_the_house_allows():
    for file in build.SOURCES.glob("*.js"):
        lines = file.read_text("utf-8").splitlines()
        assert len(lines) <= 350, file.name
        assert file.name.startswith("text_") or [line for line in lines if len(line) > 135] == [], file.name
