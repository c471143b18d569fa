"""For pytest users: ``--audit``, which audits every hand-written rule that a test suite calls, and the fixture ``audit``.

    def test_my_rule(audit):
        audit.custom_vjp(my_rule, x, y)

The fixture's audits fail the test unless they are correct. Installed with the package; JAX is imported only when a test uses the
fixture, or has imported it itself.
"""

import functools
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("bpnn-jax", "gradient audits")
    group.addoption(
        "--audit-draws", type=int, default=None, metavar="N", help="draws of every audit that names none itself"
    )
    group.addoption(
        "--audit",
        action="store_true",
        help="record every custom_vjp, custom_jvp and equinox filter rule that the tests call, and audit each once at the end",
    )
    group.addoption(
        "--audit-seconds",
        type=float,
        default=None,
        metavar="N",
        help="seconds for all audits of --audit together (as long as the tests took, and 30 at least)",
    )
    group.addoption(
        "--audit-package",
        action="append",
        metavar="NAME",
        help="audit the rules of this package alone (all but those of jax and equinox); may be given again",
    )
    group.addoption(
        "--audit-no-rerun",
        action="store_true",
        help="do not run tests again under jax.disable_jit() whose rules were called inside jit alone",
    )


def pytest_configure(config: pytest.Config) -> None:
    seconds = config.getoption("--audit-seconds")
    if seconds is not None and not 0 < seconds < float("inf"):
        raise pytest.UsageError(f"expected --audit-seconds as a number above 0, got {seconds}")
    if config.getoption("--audit"):
        from bpnn_jax.audit.packages.suite import Suite

        config.pluginmanager.register(Suite(config), "bpnn-audit-suite")


class _Asserting:
    """The functions of ``bpnn_jax.audit``, each followed by ``assert_correct``; they return the report."""

    def __init__(self, draws: int | None):
        self._draws = draws

    def __getattr__(self, name: str) -> Any:
        from bpnn_jax import audit

        face = getattr(audit, name)
        if name not in ("gradient", "vjp", "custom_vjp", "custom_jvp"):
            return face

        @functools.wraps(face)
        def asserted(*args: Any, **options: Any) -> Any:
            __tracebackhide__ = True
            if self._draws is not None:
                options.setdefault("draws", self._draws)
            report = face(*args, **options)
            audit.assert_correct(report)
            return report

        return asserted


@pytest.fixture
def audit(request: pytest.FixtureRequest) -> _Asserting:
    """Audits that fail the test: ``audit.custom_vjp(f, *examples)`` and the others; each returns its report."""
    return _Asserting(request.config.getoption("--audit-draws"))
