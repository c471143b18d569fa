"""The lowest versions that pyproject.toml declares, as constraints for pip: ``python tests/lowest.py`` prints them.

``make test-lowest`` installs these in an environment of its own and runs the suite there.
"""

import re
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"
NEEDED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?>=([0-9][0-9.]*)$")
LEFT_OUT = ("cuda", "bench", "docs")  # extras that the suite does not need


def lowest(text: str) -> list[str]:
    r"""A line ``name==version`` for each requirement with a lowest version, but for those of the extras left out.

    Raises ValueError for two lowest versions of one package: then pip could not satisfy both.

    >>> print(*lowest('[project]\ndependencies = ["numpy>=2.1", "build"]\n[project.optional-dependencies]\nx = ["ray>=2.56"]'))
    numpy==2.1 ray==2.56
    """
    project = tomllib.loads(text)["project"]
    extras = project.get("optional-dependencies", {})
    wanted = [*project["dependencies"], *(r for name, all_of in extras.items() if name not in LEFT_OUT for r in all_of)]
    found: dict[str, str] = {}
    for requirement in wanted:
        match = NEEDED.match(requirement)
        if match and found.setdefault(match[1], match[2]) != match[2]:
            raise ValueError(f"expected one lowest version of {match[1]}, got {found[match[1]]} and {match[2]}")
    return [f"{name}=={version}" for name, version in found.items()]


if __name__ == "__main__":
    print("\n".join(lowest(PYPROJECT.read_text("utf-8"))))
