"""The page as one file: modules, style and data inside, no request, a policy that allows nothing else.

The equations, their functions and their measured errors are read from ``docs/derivation.md``, the functions' lines from ``manual``.
"""

import ast
import base64
import csv
import gzip
import hashlib
import html
import json
import re
from pathlib import Path

from docs import worked_pass
from docs.links import definitions
from docs.play import bundle
from manual import OUTPUT_ACTIVATIONS
from manual.mistakes import MISTAKES

ROOT = Path(__file__).resolve().parents[2]
SOURCES = Path(__file__).resolve().parent / "src"
PAGE = ROOT / "bpnn_jax" / "commands" / "play.html"
# What the page shows to a console, and the tests: everything that these modules export.
EXPOSED = (
    "arithmetic.js",
    "mistakes.js",
    "steps.js",
    "train.js",
    "random.js",
    "state.js",
    "network.js",
    "model.js",
    "runs.js",
    "text.js",
)
BLOCK = re.compile(r"^\$\$\n(.*?)\n\$\$$", re.DOTALL | re.MULTILINE)
TAG = re.compile(r"\s*\\tag\{(\d+)\}")
LINK = re.compile(r"\[`(\w+)`\]\(\.\./(manual/\w+\.py)#L(\d+)\)")
ROW = re.compile(r"^\| \((\d+)\) \| `.*?\| (.*?) \| (.*?) \| (.*?) \| (.*?) \| (.*?) \|$", re.MULTILINE)
CHINESE = {  # what the equations say in words
    "for sigmoid, in terms of ": "对 sigmoid，用 ",
    "for sigmoid": "对 sigmoid",
    "for tanh": "对 tanh",
    "for linear": "对线性",
    "that is": "即",
    "in terms of ": "用 ",
    " where ": " 表示，若由 ",
    " tells ": " 可知 ",
    ", otherwise of ": "，否则用 ",
    " or ": " 或 ",
    " if ": " 若 ",
    " else ": "否则 ",
    "(softmax)": "(softmax)",
    "(sigmoid)": "(sigmoid)",
}


def page(derivation: str) -> str:
    """The page, as ``bpnn play`` opens it, with the equations of the derivation's text."""
    program, style = bundle.bundled(SOURCES, "main.js", EXPOSED), (SOURCES / "style.css").read_text("utf-8")
    scripts, styles = f"script-src {_hash(program)}", f"style-src {_hash(style)}"
    policy = f"default-src 'none'; {scripts}; {styles}; img-src data:; base-uri 'none'; form-action 'none'"
    parts = {"policy": policy, "style": style, "program": program, "data": _embedded(data(derivation))}
    text = (SOURCES / "page.html").read_text("utf-8")
    for name, part in parts.items():
        text = text.replace("{{" + name + "}}", part)
    return text


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _embedded(value: dict) -> str:
    """JSON for a script element, a line per equation and mistake, so that versions of the page can be compared and merged."""
    lines = [
        f'"{name}": '
        + ("[\n" + ",\n".join(map(_compact, part)) + "\n]" if name in ("equations", "mistakes") else _compact(part))
        for name, part in value.items()
    ]
    return ("{" + ",\n".join(lines) + "}").replace("</", "<\\/")


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def data(derivation: str) -> dict:
    """Equations, mistakes, iris's two columns of petals with the kind, and the network of the derivation's worked pass."""
    return {"equations": equations(derivation), "mistakes": mistakes(), "iris": iris(), "worked": worked()}


def equations(text: str) -> list[dict]:
    """Each numbered equation of the derivation: number, MathML in both languages, functions, and what bpnn verify measured."""
    rows = {int(row[0]): row[1:] for row in ROW.findall(text)}
    found = []
    for block in BLOCK.finditer(text):
        tag = TAG.search(block[1])
        if not tag:
            continue
        number, latex = int(tag[1]), TAG.sub("", block[1])
        proved, witness, networks, worst, allowed = rows[number]
        found.append(
            {
                "number": number,
                "math": {
                    lang: [mathml(part, lang) for part in re.split(r"\\q?quad\b", latex)] for lang in ("en", "zh")
                },
                "functions": (named := functions(text[block.end() :])),
                "key": key(number, named[0]["code"]),
                **{"proved": proved, "witness": witness, "networks": networks, "worst": worst, "allowed": allowed},
            }
        )
    return found


def mathml(latex: str, lang: str) -> str:
    r"""A formula in MathML, its words in a language.

    >>> mathml(r"\mathrm{sigmoid}(z)", "en")
    '<math display="block"><mrow><mi>sigmoid</mi><mo stretchy="false">(</mo><mi>z</mi><mo stretchy="false">)</mo></mrow></math>'
    >>> mathml(r"x \text{that is}", "zh")
    '<math display="block"><mrow><mi>x</mi><mtext>即</mtext></mrow></math>'
    """
    from latex2mathml.converter import convert

    found = convert(latex.strip().strip(","), display="block").replace(
        ' xmlns="http://www.w3.org/1998/Math/MathML"', ""
    )
    found = re.sub(r"&#x([0-9A-F]+);", lambda match: _character(int(match[1], 16)), found)
    found = found.replace(
        "<msup><mi>f</mi><mi>′</mi></msup>", '<mi>f</mi><mo lspace="0" rspace="0">′</mo>'
    )  # a prime is raised by itself
    found = re.sub(r"<mi>(tanh|log)</mi>", r'\g<0><mspace width="0.17em" />', found).replace("thinmathspace", "0.17em")
    letters = re.compile(r'<mrow>((?:<mi mathvariant="normal">\w</mi>)+)</mrow>')
    found = letters.sub(lambda match: f"<mi>{re.sub('<[^>]*>', '', match[1])}</mi>", found)
    if lang == "zh":
        said = re.compile(r"<mtext>(.*?)</mtext>")
        found = said.sub(lambda match: f"<mtext>{CHINESE[match[1].replace(chr(0xA0), ' ')]}</mtext>", found)
    return found


def _character(code: int) -> str:
    return html.escape(chr(code))


def functions(after: str) -> list[dict]:
    """The functions that the derivation links to right below an equation: name, file, line, and their lines without docstring."""
    links = LINK.findall(after.lstrip().partition(":")[0])
    return [
        {"name": name, "file": file, "line": int(line), "code": code(ROOT / file, name)} for name, file, line in links
    ]


def key(number: int, code: str) -> str:
    r"""Of a function the lines that say that they are the equation; otherwise what it returns.

    >>> key(5, "def f(a):\n    z = a @ W  # (5)\n    return z"), key(3, "def f(a):\n    return a * a")
    ('z = a @ W  # (5)', 'return a * a')
    """
    lines = code.splitlines()
    said = [line for line in lines if f"# ({number})" in line]
    found = said or [line for line in lines if line.lstrip().startswith("return ")][-1:]
    return "\n".join(line.strip() for line in found)


def code(file: Path, name: str) -> str:
    """A function as it stands in its file, without its docstring.

    >>> print(code(ROOT / "manual" / "activations.py", "sigmoid_derivative"))
    def sigmoid_derivative(z: Array, a: Array) -> Array:
        return a * (1.0 - a)
    """
    assert name in definitions(file), (file, name)
    lines = file.read_text("utf-8").splitlines()
    (node,) = (n for n in ast.parse("\n".join(lines)).body if isinstance(n, ast.FunctionDef) and n.name == name)
    body = node.body[1:] if ast.get_docstring(node) else node.body
    head = lines[node.lineno - 1 : node.body[0].lineno - 1]
    return "\n".join([*head, *lines[body[0].lineno - 1 : node.end_lineno]])


def mistakes() -> list[dict]:
    """The catalogue: each mistake's name, equation and reason, what it is about, and what E was."""
    found = []
    for m in MISTAKES:
        wrong = [name for name in OUTPUT_ACTIVATIONS if m.activations[name] is not OUTPUT_ACTIVATIONS[name]]
        of = (wrong or [m.output])[0]
        found.append({"name": m.name, "equation": m.equation, "why": m.why, "of": of, "objective": m.objective})
    return found


def iris() -> list[list]:
    """Petal length and width, about 0 and in units of their deviation, and the kind: 0, 1 or 2."""
    file = ROOT / "bpnn_jax" / "patterns" / "data" / "iris.csv.gz"
    rows = list(csv.DictReader(gzip.decompress(file.read_bytes()).decode("utf-8").splitlines()))
    kinds = sorted({row["class"] for row in rows}, key=[row["class"] for row in rows].index)
    columns = [[float(row[name]) for row in rows] for name in ("petal_length", "petal_width")]
    scaled = []
    for column in columns:
        mean = sum(column) / len(column)
        deviation = (sum((one - mean) ** 2 for one in column) / len(column)) ** 0.5
        scaled.append([round((one - mean) / deviation, 4) for one in column])
    return [[a, b, kinds.index(row["class"])] for a, b, row in zip(*scaled, rows, strict=True)]


def worked() -> dict:
    """The numbers of ``docs.worked_pass``."""
    weights = [worked_pass.W1.tolist(), worked_pass.W2.tolist()]
    patterns = {"x": [worked_pass.X.tolist()], "t": [worked_pass.T.tolist()]}
    return {**patterns, "weights": weights, "learning_rate": worked_pass.LEARNING_RATE}
