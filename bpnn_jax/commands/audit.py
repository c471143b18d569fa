"""``bpnn audit MODULE:NAME``: audit a rule, or run somebody's own audits, and say so in JSON or JUnit XML too."""

import contextlib
import importlib
import math
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from xml.etree import ElementTree

from tyro.conf import Positional, arg

from bpnn_jax._runtime import wall
from bpnn_jax._runtime.files import write_atomically
from bpnn_jax._runtime.outputs import Output, Read
from bpnn_jax._runtime.text import one_line, plain
from bpnn_jax.commands.common import Json, check_outputs, finish
from bpnn_jax.errors import InputError, whole_number

if TYPE_CHECKING:
    from bpnn_jax.audit import Report

MOST_DRAWS = 100_000
LARGEST_EXAMPLE = 10_000_000  # numbers
SUITE = "bpnn audit"
ADDRESS = re.compile(r" at 0x[0-9a-f]+")  # of a repr: another one each time
SHAPE = re.compile(r"(float64|float32|float16|bfloat16|int32)\[(\d+(?:,\d+)*)?\]")


@dataclass(frozen=True)
class Audit:
    """Is this hand-written gradient right? Audit a custom_vjp or custom_jvp function, your own audits, or a whole package."""

    rule: Annotated[Positional[str | None], arg(metavar="[MODULE:NAME]")] = None
    """The name of a decorated function, or of a function without arguments that returns an audit's report (or several)."""
    package: Annotated[str | None, arg(metavar="NAME")] = None
    """Instead of a rule: list every rule of this package, and audit those that --run calls, each once, with its own arguments."""
    run: Annotated[str | None, arg(metavar="COMMAND")] = None
    """With --package, what calls its rules: "pytest tests/", "script.py" or "-m module", each with arguments."""
    isolate: bool = False
    """With --package, audit each rule in a process of its own. Without it, another begins after a rule that ended its own."""
    args: tuple[str, ...] = ()
    """Shapes of the arguments of a decorated function, such as float32[8,4] float32[4]."""
    draws: int = 6
    """How many inputs to try it on."""
    seed: int = 0
    """Moves every random number."""
    order: Literal[1, 2] = 1
    """2 audits second derivatives too."""
    special: bool = False
    """Try special points too: 0, ties, large numbers."""
    variants: int = 16
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


class NotAuditedError(InputError):
    """A module or a function that could not be audited: what it did instead, in its own words."""


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


def module_source(name: str) -> Path | None:
    """The file of the module that MODULE:NAME names, or the folder of its package, found without importing it."""
    top = name.partition(":")[0].partition(".")[0]
    try:
        found = PathFinder.find_spec(top, [os.getcwd(), *sys.path]) if top.isidentifier() else None
    except (ImportError, OSError, ValueError):
        return None
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent if found.submodule_search_locations else Path(found.origin)


def find(name: str) -> Any:
    """What MODULE:NAME names; modules are looked for in the current folder too. Raises InputError where it names nothing."""
    module, _, attribute = name.partition(":")
    if not all(part.isidentifier() for dotted in (module, attribute) for part in dotted.split(".")):
        raise InputError(f"expected MODULE:NAME, such as mypackage.kernels:softmax, got {one_line(repr(name))}")
    sys.path.insert(0, "")
    try:
        with theirs(f"{module}, when it was imported,"):
            found: Any = importlib.import_module(module)
    finally:
        with contextlib.suppress(ValueError):  # the module may have changed it
            sys.path.remove("")
    for part in attribute.split("."):
        with theirs(f"{module}:{attribute}"):
            there = hasattr(found, part)
            names = ", ".join(n for n in dir(found) if n[0] != "_")
            found = getattr(found, part, None)
        if not there:
            raise InputError(f"expected {part!r} in {module}, got only: {one_line(names)[:1000]}")
    return found


@contextlib.contextmanager
def theirs(what: str) -> Iterator[None]:
    """Around somebody else's code: whatever it raises, be it the end of the process, is a NotAuditedError with its words."""
    try:
        yield
    except InputError:
        raise
    except BaseException as error:
        if wall.is_ctrl_c(error):
            raise
        did = "ended the process" if isinstance(error, SystemExit) else f"raised {type(error).__name__}"
        raise NotAuditedError(f"expected {what} to be audited, but it {did}: {_words(error)}") from error


def _words(thing: object) -> str:
    """What an exception says, or how a thing shows itself; whatever its own code does instead."""
    if isinstance(thing, dict):  # of a module, it would show what is Python's
        return f"a dict of {len(thing)}"
    try:
        said = str(thing) if isinstance(thing, BaseException) else ADDRESS.sub("", repr(thing))
        return one_line(said)[:500] or "without a word"
    except BaseException as error:
        if wall.is_ctrl_c(error):
            raise
        return f"a {type(thing).__name__} that cannot be shown ({type(error).__name__})"


def audits(found: Any, options: Audit) -> "list[Report]":
    """A decorated function is audited on ``--args``; any other function is called, and returns a report or several."""
    import jax

    from bpnn_jax import audit

    settings = settings_of(options)
    if isinstance(found, jax.custom_vjp | jax.custom_jvp):
        examples = [example(shape, i) for i, shape in enumerate(options.args)]
        if not examples:
            raise InputError(
                "expected --args with the shape of each argument, such as float32[8,4] float32[4], got none"
            )
        face = audit.custom_vjp if isinstance(found, jax.custom_vjp) else audit.custom_jvp
        try:
            with theirs(f"{options.rule} of {' '.join(options.args)}"):
                return [face(found, *examples, argnums=options.argnums, **settings)]
        except NotAuditedError as error:
            if not isinstance(error.__cause__, TypeError | ValueError):
                raise
            raise InputError(  # arguments that the function itself does not take
                f"expected arguments that {options.rule} takes, got {' '.join(options.args)}: {_words(error.__cause__)}"
            ) from None
    if not callable(found):
        raise InputError(
            f"expected a custom_vjp, a custom_jvp, or a function that returns a report, got {_words(found)[:80]}"
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
            f"expected a function that returns an audit's report, or a list of them, got {_words(result)[:80]}"
        )
    return reports


def example(shape: str, number: int) -> Any:
    """``float32[8,4]`` as an array of that shape with ordinary random numbers; int32 counts from 0."""
    import jax.numpy as jnp
    import numpy as np

    match = SHAPE.fullmatch(shape.strip())
    if not match:
        raise InputError(f"expected an argument such as float32[8,4] or int32[8], got {one_line(repr(shape))}")
    dtype, sizes = match.group(1), tuple(int(n) for n in (match.group(2) or "").split(",") if n)
    if math.prod(sizes) > LARGEST_EXAMPLE:
        raise InputError(
            f"expected an argument of at most {LARGEST_EXAMPLE:,} numbers, got {shape}: a smaller one shows the same"
        )
    if dtype == "int32":
        return jnp.arange(int(np.prod(sizes)), dtype=jnp.int32).reshape(sizes)
    return np.random.default_rng(number).normal(size=sizes).astype(jnp.dtype(dtype))


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
