"""``bpnn audit MODULE:NAME``: audit a rule, or run somebody's own audits, and say so in JSON or JUnit XML too."""

import importlib
import re
import sys
from typing import Any
from xml.etree import ElementTree

import jax
import jax.numpy as jnp
import numpy as np

from bpnn_jax import audit, cli
from bpnn_jax._files import write_atomically
from bpnn_jax.commands.common import check_outputs, finish
from bpnn_jax.errors import InputError

NOT_IN_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
SHAPE = re.compile(r"(float64|float32|float16|bfloat16|int32)\[(\d+(?:,\d+)*)?\]")


def run(options: cli.Audit) -> int:
    check_outputs(options.json, options.junit)
    reports = audits(find(options.rule), options)
    for report in reports:
        print(report)
    if options.junit is not None:
        write_atomically(options.junit, junit(reports))
    verdicts = [report.verdict for report in reports]
    worst = next((v for v in ("wrong", "inconclusive", "imprecise") if v in verdicts), "correct")
    finish(options.json, {"verdict": worst, "reports": [report.to_json() for report in reports]})
    return 0 if worst == "correct" else 1


def find(name: str) -> Any:
    """What MODULE:NAME names; modules are looked for in the current folder too."""
    module, colon, attribute = name.partition(":")
    if not colon or not attribute or not all(part.isidentifier() for part in module.split(".")):
        raise InputError(f"expected MODULE:NAME, such as mypackage.kernels:softmax, got {name!r}")
    sys.path.insert(0, "")
    try:
        found: Any = importlib.import_module(module)
    except SystemExit as error:
        raise InputError(
            f"expected a module that can be imported, got {module}, which ends itself ({error.code})"
        ) from None
    except ModuleNotFoundError as error:
        if error.name and not module.startswith(error.name):
            raise  # the module is there, and needs another that is not
        raise InputError(f"expected a module that can be imported, got {module!r}: {error}") from None
    finally:
        sys.path.remove("")
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise InputError(
                f"expected {part!r} in {module}, got only: {', '.join(n for n in dir(found) if n[0] != '_')}"
            )
        found = getattr(found, part)
    return found


def audits(found: Any, options: cli.Audit) -> list[audit.Report]:
    """A decorated function is audited on ``--args``; any other function is called, and returns a report or several."""
    settings: dict[str, Any] = {"draws": options.draws, "seed": options.seed, "order": options.order}
    settings |= {"mutate": options.mutate, "special": options.special}
    if isinstance(found, jax.custom_vjp | jax.custom_jvp):
        examples = [example(shape, i) for i, shape in enumerate(options.args)]
        if not examples:
            raise InputError(
                "expected --args with the shape of each argument, such as float32[8,4] float32[4], got none"
            )
        face = audit.custom_vjp if isinstance(found, jax.custom_vjp) else audit.custom_jvp
        try:
            return [face(found, *examples, **settings)]
        except (TypeError, ValueError) as error:  # arguments that the function itself does not take
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"expected arguments that {options.rule} takes, got {' '.join(options.args)}: {error}"
            ) from None
    if not callable(found):
        raise InputError(f"expected a custom_vjp, a custom_jvp, or a function that returns a report, got {found!r:.80}")
    if options.args:
        raise InputError(
            f"expected a custom_vjp or custom_jvp to audit with --args, got {options.rule}, which is neither"
        )
    result: Any = found()
    reports: list[Any] = list(result) if isinstance(result, list | tuple) else [result]
    if not reports or not all(isinstance(report, audit.Report) for report in reports):
        raise InputError(f"expected a function that returns an audit's report, or a list of them, got {result!r:.80}")
    return reports


def example(shape: str, number: int) -> Any:
    """``float32[8,4]`` as an array of that shape with ordinary random numbers; int32 counts from 0."""
    match = SHAPE.fullmatch(shape.strip())
    if not match:
        raise InputError(f"expected an argument such as float32[8,4] or int32[8], got {shape!r}")
    dtype, sizes = match.group(1), tuple(int(n) for n in (match.group(2) or "").split(",") if n)
    if dtype == "int32":
        return jnp.arange(int(np.prod(sizes)), dtype=jnp.int32).reshape(sizes)
    return np.random.default_rng(number).normal(size=sizes).astype(jnp.dtype(dtype))


def junit(reports: list[audit.Report]) -> bytes:
    """One test case a report, for CI."""
    failed = [r for r in reports if r.verdict != "correct"]
    suite = ElementTree.Element("testsuite", name="bpnn audit", tests=str(len(reports)), failures=str(len(failed)))
    for report in reports:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            name=NOT_IN_XML.sub("?", report.name),
            classname=report.kind,
            time=f"{report.seconds:.3f}",
        )
        if report.verdict != "correct":
            failure = ElementTree.SubElement(case, "failure", message=report.verdict, type=report.verdict)
            failure.text = NOT_IN_XML.sub("?", str(report))
    return ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)
