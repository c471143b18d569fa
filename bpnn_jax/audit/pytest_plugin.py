"""For pytest users: the fixture ``audit``, whose audits fail the test unless they are correct, and ``--audit-draws``.

    def test_my_rule(audit):
        audit.custom_vjp(my_rule, x, y)

Installed with the package; JAX is imported only when a test uses the fixture.
"""

import functools
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("bpnn-jax", "gradient audits")
    group.addoption(
        "--audit-draws", type=int, default=None, metavar="N", help="draws of every audit that names none itself"
    )


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
