"""Modules that end the process, raise, print, recurse or name nothing: "not audited", status 2, and the files that CI reads."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.attacks.attack import Attack
from benchmarks.attacks.ground import Ground

KIND = "audits"
FILES = ("--json", "j.json", "--junit", "j.xml")
HEAD = "import sys, os, jax, jax.numpy as jnp\nfrom bpnn_jax import audit\n"
GOOD = "audit.gradient(lambda x: jnp.sum(x * x), lambda x: 2 * x, jnp.ones(3), draws=2, mutate=False)"
RULE = "@jax.custom_vjp\ndef f(x): return x\ndef b(r, g): {}\nf.defvjp(lambda x: (x, x), b)"
IMPORTED = {
    "sys.exit(0)": "sys.exit(0)",
    "sys.exit(1)": "sys.exit(1)",
    "sys.exit('words')": "sys.exit('words')",
    "SystemExit": "raise SystemExit",
    "ValueError": "raise ValueError('mine')",
    "ImportError": "import no_such_module_anywhere",
    "from": "from os import no_such_name",
    "BaseException": "class B(BaseException): pass\nraise B('mine')",
    "SyntaxError": "def f(:",
    "RecursionError": "def r(): r()\nr()",
    "MemoryError": "raise MemoryError('mine')",
    "bytes": "\x00",
    "GeneratorExit": "raise GeneratorExit",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "escape": "raise ValueError('\\x1b[31m<b>')",
    "surrogate": "raise ValueError('\\udcff')",
}
CALLED = {
    "returns None": "def f(): return None",
    "returns no report": "def f(): return 3",
    "returns none of them": "def f(): return []",
    "returns some": f"def f(): return [{GOOD}, 3]",
    "raises": "def f(): raise ValueError('mine')",
    "exits": "def f(): sys.exit(0)",
    "interrupts": "def f(): raise KeyboardInterrupt",
    "recurses": "def f(): return f()",
    "is no function": "f = 3",
    "wants arguments": "def f(x): return x",
    "a name with a hostile repr": "class R:\n  def __repr__(self): raise ValueError('mine')\nf = R()",
    "a rule that raises": RULE.format("raise ValueError('mine')"),
    "a rule that interrupts": RULE.format("raise KeyboardInterrupt"),
    "a repr that exits": "class R:\n  def __repr__(self): sys.exit(0)\nf = R()",
    "a rule that exits": RULE.format("sys.exit(0)"),
    "a rule without one": "@jax.custom_vjp\ndef f(x): return x",
    "an attribute that raises": "class A:\n  @property\n  def g(self): raise ValueError('mine')\nf = A()",
}
NAMES = ("m", "m:", ":f", "", ":", "m:nothing", "no_such:f", "../x:y", "/etc/passwd:x", "m.py:square", "m:square:more", "a/b:c", ".:x", "..:x", "m:..", "m:__dict__", "os:getcwd", "m..n:f", "1:2", "m :square", "m:square.__wrapped__.x", "sys:exit", "builtins:None")  # fmt: skip  # noqa: E501


def attacks(ground: Ground) -> Iterator[Attack]:
    for what, code in IMPORTED.items():
        yield _attack(f"a module that, imported: {what}", code + "\ndef f(): pass\n", "evil:f", "evil")
    for what, code in CALLED.items():
        args = ("--args", "float32[3]") if "a rule" in what else ()
        yield _attack(f"a name that, called: {what}", code, "evil:f", "evil", args)
    for name in NAMES:
        yield Attack(
            KIND, f"named {name!r}", ("audit", name, *FILES), status=(2,), said=("expected", "not audited"),
            writes=("j.*", "__pycache__/*"), then=(("check-xml", "j.xml"), ("check-json", "j.json")),
        )  # fmt: skip
    for shape in (
        "float32[3",
        "float32",
        "float32[-1]",
        "float32[99999999999]",
        "float32[3]" * 2,
        "object[3]",
        "float32[1,1e3]",
        "complex64[2]",
        "float32[0]",
        "\x1b[31m",
    ):
        yield Attack(
            KIND, f"shape {shape!r}", ("audit", "m:square", "--args", shape, "--draws", "2", *FILES), status=(0, 1, 2),
            said=("expected", "INCONCLUSIVE", "WRONG", "CORRECT"), silent=("\x1b[31m",), writes=("j.*", "__pycache__/*"),
        )  # fmt: skip
    for draws in ("0", "-1", "1000000000000", "x"):
        yield Attack(
            KIND, f"draws {draws}", ("audit", "m:square", "--args", "float32[3]", "--draws", draws), said=("draws",),
            writes=("__pycache__/*",),
        )  # fmt: skip


def _attack(what: str, code: str, name: str, said: str, args: tuple[str, ...] = ()) -> Attack:
    def make(folder: Path) -> None:
        (folder / "evil.py").write_text(HEAD + code, "utf-8", "surrogatepass")

    return Attack(
        KIND, what, ("audit", name, *args, *FILES), make, status=(1, 2) if args else (2,),
        said=("not audited", "INCONCLUSIVE", "WRONG"), silent=("\x1b[31m",), writes=("j.json", "j.xml", "__pycache__/*"),
        then=(("check-xml", "j.xml"), ("check-json", "j.json")),
    )  # fmt: skip
