"""Names that are markup, escape sequences, no UTF-8, or far too long, wherever a name comes from outside."""

import os
import re
from collections.abc import Iterator

from benchmarks.attacks.attack import Attack
from benchmarks.attacks.ground import STUDY, XOR, Ground

KIND = "names"
HOSTILE = {
    "markup": "[red]x[/y]",
    "closing markup": "[/x]",
    "link": "[link=x]y",
    "emoji": ":smile:",
    "colour": "g\x1b[31mh",
    "title": "t\x1b]0;title\x07",
    "bell": "b\x07\x08",
    "C1": "c\x9b31m",
    "direction": "d\u202etxt",
    "script": "<script>alert(1)</script>".replace("/", "\u2215"),
    "entity": "&lt;\"'",
    "newline": "two\nlines",
    "return": "a\rb",
    "no UTF-8": "n\udcff\udcfe",
    "dash": "--help",
    "brace": "{0}%s$x",
}
ACTS = ("\x1b[31m", "\x1b]0;", "\x07", "\x08", "\x9b", "\u202e", "\r", "😄")


def attacks(ground: Ground) -> Iterator[Attack]:
    for what, name in HOSTILE.items():
        path = f"./{name}.txt"
        word = tuple(re.findall(r"^[!-~]+", name))  # what of it is shown as it is
        silent = ACTS

        def home(folder, path=path):
            (folder / path).parent.mkdir(exist_ok=True)

        def data(folder, path=path, text=XOR):
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(text)

        def none(folder, data=data):
            data(folder, text="x > y\n")

        yield Attack(KIND, f"train a file, {what}", ("train", path, "--epochs", "2"), data, status=(0,), silent=silent)
        yield Attack(KIND, f"train no patterns, {what}", ("train", path), none, said=word, silent=silent)
        yield Attack(KIND, f"train no file, {what}", ("train", path), said=word, silent=silent)
        yield Attack(
            KIND, f"study of a file, {what}", (*STUDY[:2], path, *STUDY[3:], "--out", "o"), data,
            status=(0,), silent=silent, writes=("o/*",),
        )  # fmt: skip
        yield Attack(
            KIND, f"study in a folder, {what}", (*STUDY, "--out", f"./{name}"), home,
            status=(0,), silent=silent, writes=(f"{_literal(name)}/*",), then=(("ablate", "--status", f"./{name}"),),
        )  # fmt: skip
        yield Attack(KIND, f"no study there, {what}", ("ablate", "--status", f"./{name}"), said=word, silent=silent)
        yield Attack(KIND, f"report of none, {what}", ("report", f"./{name}"), said=word, silent=silent)
        yield Attack(
            KIND, f"result at, {what}", ("train", "d.txt", "--epochs", "2", "--json", f"./{name}", "--save", f"./{name}.net"), home,
            status=(0,), silent=silent, writes=(_literal(name), _literal(name) + ".net"),
        )  # fmt: skip
        yield Attack(KIND, f"predict no model, {what}", ("predict", f"./{name}", "d.txt"), said=word, silent=silent)
        if what == "no UTF-8":
            continue
        column = " ".join(name.split())

        def columns(folder, column=column):
            quoted = column.replace('"', '""')
            rows = "\n".join(f"{a},{b},{a},{1 - a}" for a in (0, 1) for b in (0, 1))
            (folder / "c.csv").write_text(f'"{quoted}",b,"target_{quoted}",target_b\n{rows}\n', "utf-8")

        yield Attack(
            KIND, f"columns, {what}", ("train", "c.csv", "--epochs", "2"), columns, status=(0, 2), silent=silent
        )
        yield Attack(
            KIND, f"language, {what}",
            ("featurize", "src", "--symbols", "5", "--languages", f".py={name}", ".c=C", "--out", "made.txt"),
            status=(0, 2), silent=silent, writes=("made.*.txt",),
        )  # fmt: skip
        yield Attack(KIND, f"module, {what}", ("audit", f"{name}:f"), silent=silent)
        yield Attack(KIND, f"name in a module, {what}", ("audit", f"m:{name}"), said=("m",), silent=silent)
        yield Attack(KIND, f"task, {what}", ("train", name), silent=silent, status=(0, 2) if what == "dash" else (2,))
        yield Attack(KIND, f"field, {what}", (*STUDY, "--out", "o", "--vary", f"{name}=1"), silent=silent)
        yield Attack(KIND, f"rule, {what}", ("train", "d.txt", "--rule", name), silent=silent)

        def audited(folder, name=name):
            (folder / "evil.py").write_text(EVIL.format(name=name), "utf-8")

        yield Attack(
            KIND, f"a report's name, {what}", ("audit", "evil:bad", "--junit", "j.xml", "--json", "j.json"), audited,
            status=(1,), silent=silent, writes=("j.xml", "j.json", "__pycache__/*"), then=(("check-xml", "j.xml"),),
        )  # fmt: skip
    yield Attack(KIND, "a name of 5000 characters", ("train", "x" * 5000), said=("x",))
    yield Attack(KIND, "a result at 5000 characters", ("train", "xor", "--json", "x" * 5000), said=("x",))
    yield Attack(KIND, "a NUL in a name", ("train", "a\0b"), said=("a",))
    for option in ("--json", "--save"):
        yield Attack(
            KIND, f"an unknown user, {option}", ("train", "xor", option, "~nobody-here/x"), said=("~nobody-here",)
        )
    yield Attack(
        KIND, "an unknown user's cache", ("train", "d.txt", "--epochs", "2"), status=(0, 2), said=("~nobody-here",),
        inside=lambda: os.environ.update(BPNN_COMPILE_CACHE="~nobody-here/x", JAX_COMPILATION_CACHE_DIR="") and None,
    )  # fmt: skip


EVIL = """
import jax.numpy as jnp
from bpnn_jax import audit
def bad():
    def f(x): return jnp.sum(x**2)
    def g(x): return 3*x
    f.__name__ = g.__name__ = {name!r}
    return audit.gradient(f, g, jnp.ones(3), draws=2, mutate=False)
"""


def _literal(name: str) -> str:
    """The pattern of ``fnmatch`` that is this name alone."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)
