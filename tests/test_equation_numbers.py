"""The equations' numbers are one thing: in docs/derivation.md, in the docstrings, and in ``bpnn verify``."""

import ast
import doctest
import io
import re
import tokenize
from pathlib import Path

import pytest

from bpnn_jax import Network
from bpnn_jax.verify import proof
from manual import OBJECTIVES, OUTPUT_ACTIVATIONS, RULES

ROOT = Path(__file__).resolve().parents[1]
DERIVATION = ROOT / "docs" / "derivation.md"
TAGS = [int(number) for number in re.findall(r"\\tag\{(\d+)\}", DERIVATION.read_text(encoding="utf-8"))]
NUMBERS = list(range(1, 1 + len(TAGS)))

LINK = re.compile(r"\[([^\]]*)\]\(([^()\s]+)\)")
# The tag, and the paragraph after the formula.
TAGGED = re.compile(r"\\tag\{(\d+)\}\s*\$\$\s*\n\s*(\S.*(?:\n(?!\n).*)*)")
NAMED = re.compile(r"\bequations?\s+((?:\(\d+\)(?:,? (?:to|and|or) |, )?)+)", re.IGNORECASE)
OWN = re.compile(r"(?:^|[,.:] )equation \((\d+)\)", re.IGNORECASE)  # "f'(z) = 1-a², equation (4)": what a function is


def text() -> str:
    return DERIVATION.read_text(encoding="utf-8")


def prose(source: str) -> str:
    """Comments, and strings (docstrings among them), of a piece of Python source."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    kinds = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    return "\n".join(token.string for token in tokens if token.type in kinds)


def docstring(function: str) -> str:
    return ast.get_docstring(ast.parse(function).body[0]) or ""


def functions(path: Path) -> dict[str, str]:
    """Every function of a module by name, with its source."""
    source = path.read_text(encoding="utf-8")
    found = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    lines = source.splitlines(keepends=True)
    return {node.name: "".join(lines[node.lineno - 1 : node.end_lineno]) for node in found}


def _file(target: str) -> Path:
    return (DERIVATION.parent / target.partition("#")[0]).resolve()


def linked() -> dict[int, list[tuple[Path, str]]]:
    """For each equation, the (file, function) pairs named between its formula and the colon that begins the reason."""
    found = {}
    for number, paragraph in TAGGED.findall(text()):
        links = LINK.findall(paragraph.partition("):")[0] + ")")
        found[int(number)] = [(_file(target), name.strip("`")) for name, target in links]
    return found


def test_every_equation_is_tagged_once_and_in_order():
    assert TAGS == NUMBERS
    assert list(linked()) == NUMBERS, "a formula is not followed by a line that links its function"


@pytest.mark.parametrize("number", NUMBERS)
def test_an_equation_links_functions_that_name_it(number):
    assert linked()[number]
    for path, name in linked()[number]:
        assert path.is_file(), f"({number}) links {path}"
        assert name in functions(path), f"({number}) links {name}, which {path.name} does not define"
        assert f"({number})" in prose(functions(path)[name]), f"{name} does not name ({number})"


@pytest.mark.parametrize("package", ["manual", "bpnn_jax"])
def test_a_function_that_is_an_equation_is_linked_by_it(package):
    """In bpnn_jax a function that says so is the twin of the one in ``manual``, by the same name."""
    twins = {name: number for number, pairs in linked().items() for _, name in pairs}
    for path in sorted((ROOT / package).rglob("*.py")):
        for name, source in functions(path).items():
            for number in map(int, OWN.findall(docstring(source))):
                if package == "manual":
                    assert (path, name) in linked()[number], f"{name} says equation ({number}), the page does not"
                else:
                    assert twins.get(name, number) == number, f"{name} says equation ({number})"


def test_a_function_that_puts_equations_together_names_them_all():
    source = functions(ROOT / "manual" / "backprop.py")
    number = {name: n for n, pairs in linked().items() for _, name in pairs}

    def used(name: str) -> set[int]:
        inner = used("deltas") if "deltas(pass_, t" in source[name].partition(":\n")[2] else set()
        inner |= used("delta_below") if "(delta_below(" in source[name] else set()
        return inner | {number[equation] for equation in re.findall(r"equations\.(\w+)\(", source[name])}

    for name in ("deltas", "gradient", "gradient_with_bias_vectors"):
        named = docstring(source[name]).replace("(8) to (11)", "(8) (9) (10) (11)")
        assert {int(n) for n in re.findall(r"\((\d+)\)", named)} == used(name), name


def test_a_number_beside_a_name_is_its_equation():
    """``heavy-ball`` (14) in a docstring, "tanh": ... # (2) in a table, z = ... # (5) under a formula."""
    number = {name: n for n, pairs in linked().items() for _, name in pairs} | {
        "z": 5,
        "a": 6,
        "activations": 6,
        "products": 16,
    }
    patterns = (r"``([\w-]+)`` \((\d+)\)", r'"([\w-]+)":.*# \((\d+)\)', r"^ *(\w+)(?: =|\.append\().*# \((\d+)\)")
    found = [
        (path.name, name, int(n))
        for package in ("manual", "bpnn_jax")
        for path in sorted((ROOT / package).rglob("*.py"))
        for pattern in patterns
        for name, n in re.findall(pattern, path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert len(found) >= 10
    assert [(file, name, n) for file, name, n in found if number.get(name.replace("-", "_")) != n] == []


def test_the_functions_in_the_table_are_those_of_the_equations():
    rows = re.findall(r"^\| \((\d+)\) \| (`.*?) \|", text(), re.MULTILINE)
    assert {int(n): names.replace("`", "").split(", ") for n, names in rows} == {
        number: [name for _, name in pairs] for number, pairs in linked().items()
    }


def test_every_relative_link_resolves():
    titles = re.findall(r"^#+ (.*)$", text(), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
    links = [target for _, target in LINK.findall(text())]
    assert links
    for target in links:
        file, _, anchor = target.partition("#")
        if "://" not in target:
            assert (DERIVATION.parent / file).exists(), target
            assert not anchor or file or anchor in anchors, target


def test_the_contents_list_every_section_in_order():
    contents = re.findall(r"^- \[(.*?)\]\(#", text(), re.MULTILINE)
    assert contents == re.findall(r"^## (.*)$", text(), re.MULTILINE)


@pytest.mark.parametrize("package", ["manual", "bpnn_jax"])
def test_no_docstring_names_an_equation_that_is_not_there(package):
    named = {
        (path.relative_to(ROOT), int(number))
        for path in (ROOT / package).rglob("*.py")
        for group in NAMED.findall(prose(path.read_text(encoding="utf-8")))
        for number in re.findall(r"\d+", group)
    }
    assert named
    assert [(str(path), n) for path, n in sorted(named) if n not in NUMBERS] == []


def test_the_page_names_no_equation_that_is_not_there():
    words = re.sub(r"```.*?```|\$\$.*?\$\$|\$[^$]+\$", "", text(), flags=re.DOTALL)
    assert {int(n) for n in re.findall(r"(?<![\w\]])\((\d+)\)", words)} <= set(NUMBERS)


def test_verify_files_activations_and_rules_under_their_equation():
    names = {n: {name for _, name in pairs} for n, pairs in linked().items()}
    names[6].add("linear")  # f(z) = z is nothing but (6)
    for f in OUTPUT_ACTIVATIONS.values():
        value, derivative = f.equations
        assert f.value.__name__ in names[value]
        assert f.derivative.__name__ in names[derivative]
    for objective in OBJECTIVES.values():
        assert objective.equations.output_delta.__name__ in names[objective.numbers[1]]
    for rule in RULES.values():
        assert rule.step.__name__ in names[rule.equation]
    one_layer = proof.network(Network((1, 1)), patterns=1)  # has no hidden delta, and all else
    assert {found.equation for found in one_layer} == {5, 6, 7, 8, 10, 11, 12}


def test_the_page_prints_no_error_above_what_is_allowed():
    rows = re.findall(r"^\| \(\d+\) .* \| ([\d.e-]+) \| ([\d.e-]+) \|$", text(), re.MULTILINE)
    assert rows
    assert all(float(worst) <= float(allowed) for worst, allowed in rows)


def test_the_formulas_survive_markdown():
    """GitHub reads Markdown before it reads mathematics: an escaped mark loses its backslash, and a star makes italics."""
    outside_code = re.sub(r"```.*?```|`[^`\n]*`", "", text(), flags=re.DOTALL)
    for formula in re.findall(r"\$\$.*?\$\$|\$[^$]+\$", outside_code, re.DOTALL):
        assert not re.search(r"\\[^A-Za-z]|[*<]|[^A-Za-z0-9]_", formula), formula
        assert formula.startswith("$$") or "\n" not in formula, formula


def test_the_examples_of_the_page_print_what_it_says():
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    failed, attempted = doctest.testfile(str(DERIVATION), module_relative=False, optionflags=flags, globs={})
    assert attempted > 30
    assert failed == 0
