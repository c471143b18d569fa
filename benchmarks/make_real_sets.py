"""The real sets that are bundled, from what scikit-learn's package carries: ``python -m benchmarks.make_real_sets FOLDER``.

Needs scikit-learn (the extra ``bench``). The same version writes the same bytes. FOLDER is bpnn_jax/patterns/data for the project's
own; its README.md says where each set comes from.
"""

import csv
import gzip
import io
import sys
from pathlib import Path
from typing import Any


def sets() -> dict[str, Any]:
    """Each set as scikit-learn's loader gives it."""
    from sklearn import datasets  # pyright: ignore[reportMissingImports]

    return {
        "iris": datasets.load_iris(),
        "wine": datasets.load_wine(),
        "breast-cancer": datasets.load_breast_cancer(),
        "digits": datasets.load_digits(),
        "diabetes": datasets.load_diabetes(scaled=False),
    }


def as_csv(found: Any) -> str:
    """A header, the inputs, and last the class by its name, or the number to predict."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [name.removesuffix(" (cm)").replace(" ", "_") for name in found.feature_names]
    classes = getattr(found, "target_names", None)
    writer.writerow([*names, "target" if classes is None else "class"])
    for x, t in zip(found.data.tolist(), found.target.tolist(), strict=True):
        writer.writerow([*(f"{value:g}" for value in x), f"{t:g}" if classes is None else classes[t]])
    return text.getvalue()


def main(folder: Path) -> None:
    for name, found in sets().items():
        (folder / f"{name}.csv.gz").write_bytes(gzip.compress(as_csv(found).encode(), 9, mtime=0))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("expected a folder to write to: python -m benchmarks.make_real_sets FOLDER")
    main(Path(sys.argv[1]))
