"""``bpnn audit --package NAME``: what rules a package has, which of them a run calls, and whether they are right."""

import os
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bpnn_jax._runtime.files import write_atomically
from bpnn_jax._runtime.outputs import Output, Read
from bpnn_jax._runtime.text import one_line, plain
from bpnn_jax.audit.packages.discovery import folder_of
from bpnn_jax.audit.packages.parent import Audited, audit_package, status_of
from bpnn_jax.audit.packages.rows import ABOUT, ORDER, Row, by_weight, counted, lines
from bpnn_jax.commands.common import check_outputs, finish
from bpnn_jax.errors import InputError, finite

TITLE = "# Hand-written rules of "


def words(run: str | None) -> list[str]:
    """``--run`` as words: a script, ``-m MODULE`` or ``pytest``, each with its arguments. Nothing here goes through a shell.

    >>> words("pytest -k 'a or b' tests/"), words("python -m mypackage.demo")
    (['pytest', '-k', 'a or b', 'tests/'], ['-m', 'mypackage.demo'])
    """
    if run is None:
        return []
    try:
        found = shlex.split(run)
    except ValueError as error:
        raise InputError(f"expected --run as a command in words, got {one_line(repr(run))}: {error}") from None
    if found[:1] == ["python"]:
        found = found[1:]
    if found[:2] == ["-m", "pytest"]:
        found = found[1:]
    first = found[0] if found else ""
    if first == "pytest" or (first == "-m" and len(found) > 1):
        return found
    if first.endswith(".py") and Path(first).is_file():
        return found
    raise InputError(
        f'expected --run as "pytest tests/", "script.py" or "-m module", got {one_line(repr(run))}'
        + (", and there is no such file" if first.endswith(".py") else "")
    )


def run_read(command: Sequence[str]) -> list[Read]:
    """What a run reads, as far as its words say: every file and every folder's Python that they name, and the module of ``-m``.

    >>> [read.path for read in run_read(["pytest"])], run_read(["-m", "no_such_module"])
    (['.'], [])
    """
    from bpnn_jax.commands.located import module_source

    paths = [word.partition("::")[0] for word in command]
    found = [Path(path) for path in paths if os.path.exists(path)]
    if command[:1] == ["-m"] and (source := module_source(command[1])) is not None:
        found.append(source)
    if command[:1] == ["pytest"] and not found:
        found.append(Path())
    return [
        Read(str(path), "what --run names", (lambda file: file.suffix == ".py") if path.is_dir() else None)
        for path in found
    ]


def run_package(
    package: str,
    run: str | None,
    *,
    markdown: Path | None,
    json: Path | None,
    junit: Path | None,
    seconds: float,
    isolate: bool,
    options: dict[str, Any],
    overwrite: bool,
) -> int:
    """The command; its exit status is 0 where every rule that ran is correct, 1 where one is not, 2 where nothing was audited."""
    from bpnn_jax.commands.audit import is_junit

    finite("seconds", seconds, 1.0)
    command = words(run)
    reads = [Read(folder_of(package), "the audited package")]
    reads += run_read(command)
    given = [None if markdown is None else Output(markdown, "--markdown", is_markdown)]
    given += [None if junit is None else Output(junit, "--junit", is_junit)]
    check_outputs(*given, json=json, reads=reads, overwrite=overwrite)

    def heard(row: Row) -> None:
        print(plain(f"{row.verdict}: {row.name}"), flush=True)

    done = audit_package(package, command, seconds=seconds, isolate=isolate, options=options, heard=heard)
    print("\n".join(map(one_line, lines(done.rows))))
    print(one_line(counted(done.rows)))
    if done.said:
        print(one_line(done.said))
    if markdown is not None:
        write_atomically(markdown, page(package, run, done).encode())
    if junit is not None:
        write_atomically(junit, junit_of(done.rows))
    counts = dict(Counter(row.verdict for row in done.rows))
    rows = [row.to_json() for row in by_weight(done.rows)]
    result = {"package": package, "run": run, "said": done.said, "counts": counts, "rules": rows}
    finish(json, "audit", result)
    status = status_of(done.rows)
    if status == 2 and not any(row.verdict != "unseen" for row in done.rows):
        raise InputError(
            f"expected a run that calls a rule of {package}, got {'none' if run is None else done.said or 'one that calls none'}: "
            '--run "pytest tests/" or --run script.py says what to run'
        )
    return status


def page(package: str, run: str | None, done: Audited) -> str:
    """The report in Markdown: a table, then what is wrong in full. Text from outside is never markup."""
    out = [f"{TITLE}{cell(package)}", "", f"{counted(done.rows)}. Run: {cell(run or 'nothing')}.", ""]
    out += [cell(done.said) + ".", ""] if done.said else []
    out += ["| verdict | rule | kind | where | called with | cause |", "|---|---|---|---|---|---|"]
    for row in by_weight(done.rows):
        cells = (row.verdict, row.name, row.kind, row.where, "; ".join(row.calls), row.cause)
        out.append("| " + " | ".join(map(cell, cells)) + " |")
    for row in by_weight(done.rows):
        if row.text and row.verdict != "correct":
            out += ["", f"## {cell(row.name)}", "", *("    " + line for line in plain(row.text).splitlines())]
    present = {row.verdict for row in done.rows}
    out += ["", *(f"- {v}: {ABOUT[v]}" for v in ORDER if v in present and ABOUT[v]), ""]
    return "\n".join(out)


def cell(text: str) -> str:
    r"""Text in a table of Markdown: every character that could be markup, or end the cell, is escaped.

    >>> print(cell("a|b <i>*x*</i> [y](z)"))
    a\|b &lt;i&gt;\*x\*&lt;/i&gt; \[y\](z)
    """
    safe = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{c}" if c in "\\`*_[]|#~!" else c for c in safe)


def is_markdown(head: bytes, tail: bytes) -> bool:
    """Whether a file that begins so is one of ``page``'s."""
    return head.startswith(TITLE.encode())


def junit_of(rows: Sequence[Row]) -> bytes:
    """A test case per rule: a failure where it is not correct, skipped where it was not audited."""
    from xml.etree import ElementTree

    from bpnn_jax.commands.audit import SUITE

    failing = ("wrong", "imprecise", "inconclusive", "crashes", "timed out")
    failed = [row for row in rows if row.verdict in failing]
    counts = {"tests": str(len(rows)), "failures": str(len(failed)), "errors": "0"}
    suite = ElementTree.Element("testsuite", {"name": SUITE, **counts})
    for row in by_weight(rows):
        about = {"name": one_line(row.name), "classname": one_line(row.kind), "time": f"{row.seconds:.3f}"}
        case = ElementTree.SubElement(suite, "testcase", about)
        if row.verdict in failing:
            failure = ElementTree.SubElement(case, "failure", message=one_line(row.cause), type=row.verdict)
            failure.text = plain(f"{row.where}\n{row.text}")
        elif row.verdict != "correct":
            ElementTree.SubElement(case, "skipped", message=one_line(f"{row.verdict}: {row.cause}"))
    return ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)
