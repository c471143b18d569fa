"""Other people's packages, pinned, in an environment of their own: their rules recorded from public calls, audited, and the truth.

    python -m benchmarks.auditor.packages [--only NAME] [--json FILE]      an hour or so on two idle cores

``requirements.txt`` pins the packages, ``calls.py`` has the calls, ``truth.py`` what is right, worked out by hand. ``bpnn audit
--package`` does the rest. ``--table`` prints the table of docs/auditor.md from ``verdicts.json``, and runs nothing.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import tyro

from benchmarks.auditor.packages.calls import PACKAGES
from benchmarks.auditor.packages.truth import MODULES, TRUTH, Truth

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[2]
VERDICTS = HERE / "verdicts.json"
OURS = ("pyarrow", "rich", "safetensors", "sympy", "tyro", "pytest")


@dataclass(frozen=True)
class Options:
    """What is run, and where the environment is."""

    only: tuple[str, ...] = ()
    """Names of packages, as in calls.py; by default all."""
    folder: Path = CHECKOUT / "build" / "auditor-packages"
    """Of the environment, which is made where it is not there."""
    python: Path | None = None
    """The interpreter of an environment that has the packages, instead."""
    seconds: float = 60.0
    """No variant of an audit is begun after that many, and an audit is given up after twice as many."""
    json: Path | None = None
    """Where the rows go. Those of packages that were not run stay as they are in it."""
    table: bool = False
    """Print the table from the committed verdicts, and run nothing."""


def environment(folder: Path) -> Path:
    """The interpreter of the environment of its own, which is made and filled where it is not there."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pinned = [f"{name}=={version(name)}" for name in OURS]
    subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", HERE / "requirements.txt", *pinned], check=True)
    return python


def audited(python: Path, name: str, seconds: float) -> list[dict]:
    """The rows of one package that its calls reached."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "rows.json"
        command = [python, "-m", "bpnn_jax", "audit", "--package", MODULES.get(name, name), "--seconds", str(seconds)]
        command += ["--run", f"{HERE / 'calls.py'} {name}", "--no-mutate", "--json", out]
        subprocess.run(command, env={**os.environ, "PYTHONPATH": str(CHECKOUT)}, check=False)
        rows = json.loads(out.read_text("utf-8"))["rules"] if out.exists() else []
    return [row for row in map(short, rows) if row["verdict"] != "unseen"]


def short(row: dict) -> dict:
    """What is kept of a row: no path of this machine, no report."""
    kept = {key: row[key] for key in ("name", "kind", "verdict", "cause", "calls")}
    kept["cause"] = re.sub(r"[^\s'\"]*/site-packages/", "", kept["cause"])
    return {**kept, "line": int(row["where"].rpartition(":")[2]), "seconds": round(row["seconds"], 1)}


def table(verdicts: dict[str, list[dict]]) -> str:
    """The table of docs/auditor.md: each rule's verdict beside the truth."""
    lines = ["| package | rule | verdict | truth | how it is known |", "|---|---|---|---|---|"]
    for name, rows in sorted(verdicts.items()):
        for row in sorted(rows, key=lambda r: r["name"]):
            truth = TRUTH.get(row["name"], Truth("not worked out", ""))
            rule = row["name"].removeprefix(f"{MODULES.get(name, name)}.").replace(".<locals>", "")
            lines.append(f"| {name} | `{rule}` | {row['verdict']} | {truth.verdict} | {truth.how} |")
    return "\n".join(lines)


def counts(verdicts: dict[str, list[dict]]) -> str:
    """How many of the rules whose truth is known were judged rightly."""
    rows = [
        (row["verdict"], TRUTH[row["name"]].verdict)
        for rows in verdicts.values()
        for row in rows
        if row["name"] in TRUTH
    ]
    everything = sum(map(len, verdicts.values()))
    agree = sum(agrees(v, t) for v, t in rows)
    alarms = sum(v == "wrong" and t == "right" for v, t in rows)
    passed = sum(v == "correct" and t == "wrong" for v, t in rows)
    return (
        f"{everything} rules of {len(verdicts)} packages were called. The truth of {len(rows)} was worked out: {agree} verdicts agree "
        f"with it, {alarms} right rules were called wrong, {passed} wrong rules correct."
    )


def agrees(verdict: str, truth: str) -> bool:
    """Whether a verdict is the true one; of a rule that is meant to differ from the derivative, "wrong" is."""
    return (verdict == "correct" and truth == "right") or (verdict == "wrong" and truth in ("wrong", "by design"))


def main(options: Options) -> None:
    verdicts = json.loads(VERDICTS.read_text("utf-8")) if VERDICTS.exists() else {}
    if not options.table:
        python = options.python or environment(options.folder)
        for name in options.only or PACKAGES:
            verdicts[name] = audited(python, name, options.seconds)
        if options.json:
            options.json.write_text(json.dumps(verdicts, indent=1) + "\n", "utf-8")
    print(table(verdicts))
    print(counts(verdicts))


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
