"""``bpnn audit MODULE:NAME``: audit a rule, or run somebody's own audits, and say so in JSON or JUnit XML too."""

import contextlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from xml.etree import ElementTree

from tyro.conf import Positional, arg

from bpnn_jax._runtime.files import write_atomically
from bpnn_jax._runtime.outputs import Output, Read
from bpnn_jax._runtime.text import one_line, plain
from bpnn_jax.commands.common import Json, check_outputs, finish
from bpnn_jax.commands.located import NotAuditedError, find, module_source, theirs, words
from bpnn_jax.errors import InputError, whole_number

if TYPE_CHECKING:
    from bpnn_jax.audit import Report

MOST_DRAWS = 100_000
LARGEST_EXAMPLE = 10_000_000  # numbers
SUITE = "bpnn audit"
SHAPE = re.compile(r"(float64|float32|float16|bfloat16|complex64|complex128|int32|bool)\[(\d+(?:,\d+)*)?\]")


@dataclass(frozen=True)
class Audit:
    """Is this hand-written gradient right? Audit a custom_vjp or custom_jvp function, your own audits, or a whole package."""

    rule: Annotated[Positional[str | None], arg(metavar="[MODULE:NAME]")] = None
    """A decorated function, or a function without arguments that returns an audit's report (or several). FILE.py:NAME will do, too."""
    package: Annotated[str | None, arg(metavar="NAME")] = None
    """Instead of a rule: list every rule of this package, and audit those that --run calls, each once, with its own arguments."""
    run: Annotated[str | None, arg(metavar="COMMAND")] = None
    """With --package, what calls its rules: "pytest tests/", "script.py" or "-m module", each with arguments."""
    isolate: bool = False
    """With --package, audit each rule in a process of its own. Without it, another begins after a rule that ended its own."""
    args: tuple[str, ...] = ()
    """The arguments of a decorated function: shapes, such as float32[8,4] int32[8], and plain numbers, True and False."""
    draws: int = 6
    """How many inputs to try it on."""
    seed: int = 0
    """Moves every random number."""
    order: Literal[1, 2] = 1
    """2 audits second derivatives too."""
    special: bool = False
    """Try special points too: 0, ties, large numbers."""
    variants: int = 24
    """How many further draws and other shapes to find from the example."""
    seconds: float = 30.0
    """No variant is begun after that many seconds. With --package, an audit is given up after twice as many."""
    domain: Annotated[str | None, arg(metavar="NAME")] = None
    """The set on which the rule holds: binary, one-hot, symmetric, skew, positive-definite, simplex or unit."""
    argnums: Annotated[tuple[int, ...] | None, arg(metavar="N")] = None
    """Which arguments to differentiate, numbered from 0."""
    explain: bool = True
    """Look for the cause of what is wrong, and for the smallest draw that shows it."""
    mutate: bool = True
    """Audit wrong versions of the rule as well, to see what the draws can show."""
    junit: Annotated[Path | None, arg(metavar="FILE")] = None
    """Write a JUnit XML file for CI."""
    markdown: Annotated[Path | None, arg(metavar="FILE")] = None
    """With --package, write a report in Markdown."""
    json: Json = None
    """Write the results to this file as JSON."""
    overwrite: bool = False
    """Replace what is at an output's place, even if bpnn did not write it."""


def prepared(arguments: Sequence[str]) -> tuple[list[str], None]:
    """``--run "-m module"`` as one word: what begins with a dash would be taken for another option.

    >>> prepared(["--run", "-m module", "--draws", "2"])
    (['--run=-m module', '--draws', '2'], None)
    """
    found: list[str] = []
    for word in arguments:
        if found[-1:] == ["--run"] and word.startswith("-m "):
            found[-1] += f"={word}"
        else:
            found.append(word)
    return found, None


def run(options: Audit) -> int:
    if options.package is not None:
        return _run_package(options)
    for name, given in (("--run", options.run), ("--markdown", options.markdown), ("--isolate", options.isolate)):
        if given:
            raise InputError(f"expected {name} with --package NAME, got it with {one_line(repr(options.rule or ''))}")
    if options.rule is None:
        raise InputError("expected MODULE:NAME of a rule, or --package NAME, got neither")
    reads = [] if (source := module_source(options.rule)) is None else [Read(source, "the audited module")]
    outputs = None if options.junit is None else Output(options.junit, "--junit", is_junit)
    check_outputs(outputs, json=options.json, reads=reads, overwrite=options.overwrite)
    # What is audited may go to another folder.
    to_json, to_junit = (None if p is None else p.absolute() for p in (options.json, options.junit))
    reports, why = [], ""
    try:
        reports = audits(find(options.rule), options)
    except InputError as error:
        why = f"not audited: {error}"
    for report in reports:
        print(plain(report))
    if to_junit is not None:
        write_atomically(to_junit, junit(reports, options.rule, why))
    verdicts = [report.verdict for report in reports]
    worst = next((v for v in ("wrong", "inconclusive", "imprecise") if v in verdicts), "correct")
    result = {
        "verdict": "not audited" if why else worst,
        "why": why,
        "reports": [report.to_json() for report in reports],
    }
    finish(to_json, "audit", result)
    if why:
        raise NotAuditedError(why)
    return 0 if worst == "correct" else 1


def _run_package(options: Audit) -> int:
    if options.rule is not None or options.args or options.argnums is not None:
        raise InputError(
            "expected --package NAME alone, whose rules get the arguments of their calls, got a rule or --args too"
        )
    from bpnn_jax.commands.package import run_package

    return run_package(
        str(options.package),
        options.run,
        markdown=options.markdown,
        json=options.json,
        junit=options.junit,
        seconds=2 * options.seconds,
        isolate=options.isolate,
        options=settings_of(options),
        overwrite=options.overwrite,
    )


def settings_of(options: Audit) -> dict[str, Any]:
    """The fields of ``audit.Options`` that the command line has."""
    return {
        "draws": whole_number("draws", options.draws, 1, MOST_DRAWS),
        "seed": options.seed,
        "order": options.order,
        "special": options.special,
        "domain": options.domain,
        "variants": options.variants,
        "seconds": options.seconds,
        "mutate": options.mutate,
        "explain": options.explain,
    }


def audits(found: Any, options: Audit) -> "list[Report]":
    """A decorated function is audited on ``--args``; any other function is called, and returns a report or several."""
    import jax

    from bpnn_jax import audit

    settings = settings_of(options)
    if (inner := _decorated(found)) is not None:
        examples = [example(shape, i) for i, shape in enumerate(options.args)]
        if not examples:
            raise InputError(
                "expected --args with the shape of each argument, such as float32[8,4] float32[4], got none"
            )
        face = audit.custom_jvp if isinstance(inner, jax.custom_jvp) else audit.custom_vjp
        try:
            with theirs(f"{options.rule} of {' '.join(options.args)}"):
                return [face(found, *examples, argnums=options.argnums, **settings)]
        except NotAuditedError as error:
            if not isinstance(error.__cause__, TypeError | ValueError):
                raise
            raise InputError(  # arguments that the function itself does not take
                f"expected arguments that {options.rule} takes, got {' '.join(options.args)}: {words(error.__cause__)}"
            ) from None
    if not callable(found):
        raise InputError(
            f"expected a custom_vjp, a custom_jvp, or a function that returns a report, got {words(found)[:80]}"
        )
    if options.args:
        raise InputError(
            f"expected a custom_vjp or custom_jvp to audit with --args, got {options.rule}, which is neither"
        )
    with theirs(f"{options.rule}()"):
        result: Any = found()
    reports: list[Any] = list(result) if isinstance(result, list | tuple) else [result]
    if not reports or not all(isinstance(report, audit.Report) for report in reports):
        raise InputError(
            f"expected a function that returns an audit's report, or a list of them, got {words(result)[:80]}"
        )
    return reports


def _decorated(found: Any) -> Any:
    """The rule that a name of the author's stands for, behind ``jax.jit`` or not; None for any other function."""
    import jax

    while not isinstance(found, jax.custom_vjp | jax.custom_jvp) and hasattr(found, "__wrapped__"):
        found = found.__wrapped__
    return found if isinstance(found, jax.custom_vjp | jax.custom_jvp) else None


def example(word: str, number: int) -> Any:
    """``float32[8,4]`` as an array of that shape with ordinary random numbers; int32 counts from 0; ``2`` or ``0.5`` as it stands."""
    import jax.numpy as jnp
    import numpy as np

    match = SHAPE.fullmatch(word.strip())
    if not match:
        return _plain_number(word)
    dtype, sizes = match.group(1), tuple(int(n) for n in (match.group(2) or "").split(",") if n)
    if math.prod(sizes) > LARGEST_EXAMPLE:
        raise InputError(
            f"expected an argument of at most {LARGEST_EXAMPLE:,} numbers, got {word}: a smaller one shows the same"
        )
    if dtype == "int32":
        return jnp.arange(int(np.prod(sizes)), dtype=jnp.int32).reshape(sizes)
    rng = np.random.default_rng(number)
    if dtype == "bool":
        return rng.random(sizes) < 0.7
    drawn = rng.normal(size=sizes)
    return (drawn + 1j * rng.normal(size=sizes) if dtype.startswith("complex") else drawn).astype(jnp.dtype(dtype))


def _plain_number(word: str) -> bool | int | float:
    """A static setting, as the author would write it."""
    if word in ("True", "False"):
        return word == "True"
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(word)
    raise InputError(f"expected an argument such as float32[8,4], int32[8], 2, 0.5 or True, got {one_line(repr(word))}")


def junit(reports: "list[Report]", rule: str, why: str = "") -> bytes:
    """One test case a report, for CI; one that is an error where nothing was audited, and ``why``."""
    failed = [r for r in reports if r.verdict != "correct"]
    counts = {"tests": str(len(reports) + bool(why)), "failures": str(len(failed)), "errors": str(int(bool(why)))}
    suite = ElementTree.Element("testsuite", {"name": SUITE, **counts})
    for report in reports:
        about = {"name": one_line(report.name), "classname": one_line(report.kind), "time": f"{report.seconds:.3f}"}
        case = ElementTree.SubElement(suite, "testcase", about)
        if report.verdict != "correct":
            failure = ElementTree.SubElement(case, "failure", message=report.verdict, type=report.verdict)
            failure.text = plain(report)
    if why:
        case = ElementTree.SubElement(
            suite, "testcase", {"name": one_line(rule), "classname": "bpnn audit", "time": "0.000"}
        )
        ElementTree.SubElement(case, "error", message="not audited", type="not audited").text = plain(why)
    return ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)


def is_junit(head: bytes, tail: bytes) -> bool:
    """Whether a file that begins so is one of ``junit``'s."""
    return f'<testsuite name="{SUITE}"'.encode() in head
