"""mkdocs.yml of the site, written as JSON, which is YAML: what is where, and no request to another server."""

import json
from pathlib import Path

from docs.site import reference

HERE = Path(__file__).resolve().parent
# The pages, by what a reader wants; a title with a file below ``docs``, or with pages of its own.
NAVIGATION: dict[str, str | dict[str, str]] = {
    "Start here": "start.md",
    "The derivation": "derivation.md",
    "Is your gradient right": {
        "The auditor": "auditor.md",
        "From a pencil derivation to a certificate": "pencil_to_certificate.ipynb",
    },
    "Train": {
        "Inside your own program": "training.md",
        "Tables": "tables.md",
        "scikit-learn's estimators": "sklearn.md",
    },
    "Studies": {
        "From a CSV file to a study": "table_to_study.ipynb",
        "Running a study": "studies.md",
        "Its statistics": "statistics.md",
        "The experiments": "experiments.md",
    },
    "Clusters": "clusters.md",
    "Speed": {"How fast": "speed.md", "The GPU kernel": "gpu.md"},
    "The house": {
        "The architecture": "architecture.md",
        "Contributing": "../CONTRIBUTING.md",
        "What changed": "../CHANGELOG.md",
        "Conduct": "CODE_OF_CONDUCT.md",
        "Security": "SECURITY.md",
    },
    "中文": {"简介": "README.zh.md", "推导": "derivation.zh.md"},
}


def page_of(file: str) -> str:
    """The name of a file's page on the site.

    >>> page_of("start.md"), page_of("../CHANGELOG.md"), page_of("a.ipynb")
    ('index.md', 'changelog.md', 'a.md')
    """
    if file == "start.md":
        return "index.md"
    return (
        file.removeprefix("../").replace(".ipynb", ".md").lower()
        if file.startswith("../")
        else file.replace(".ipynb", ".md")
    )


def files() -> list[str]:
    """Every file that is a page, in order, as ``NAVIGATION`` has it; those that are not written yet are left out."""
    flat = [f for entry in NAVIGATION.values() for f in (entry.values() if isinstance(entry, dict) else [entry])]
    return [file for file in flat if (HERE.parent / file).is_file()]


def text() -> str:
    """mkdocs.yml."""
    there = set(files())
    navigation: list[dict] = []
    for title, entry in NAVIGATION.items():
        if isinstance(entry, str):
            navigation.append({title: page_of(entry)})
        elif below := [{name: page_of(file)} for name, file in entry.items() if file in there]:
            navigation.append({title: below})
    navigation.append({"Reference": [{name: f"reference/{name}.md"} for name in reference.FACES]})
    colours = [
        {"media": "(prefers-color-scheme: light)", "scheme": "default", "primary": "blue grey"},
        {"media": "(prefers-color-scheme: dark)", "scheme": "slate", "primary": "blue grey"},
    ]
    for colour, other in zip(colours, ("dark", "light"), strict=True):
        colour["toggle"] = {"icon": "material/brightness-6", "name": f"to the {other} colours"}  # type: ignore[assignment]
    return json.dumps(
        {
            "site_name": "bpnn-jax",
            "docs_dir": "pages",
            "site_dir": "html",
            "use_directory_urls": False,
            "theme": {
                "name": "material",
                "font": False,
                "palette": colours,
                "features": ["navigation.indexes", "content.code.copy"],
            },
            "plugins": [
                "search",
                {
                    "mkdocstrings": {
                        "default_handler": "python",
                        "handlers": {
                            "python": {
                                "paths": [str(HERE.parents[1])],
                                "options": {
                                    "docstring_style": None,
                                    "show_root_heading": True,
                                    "show_root_full_path": False,
                                    "show_source": False,
                                    "show_bases": False,
                                    "heading_level": 2,
                                    "separate_signature": True,
                                    "signature_crossrefs": False,
                                    "extensions": [f"{HERE / 'docstrings.py'}:Fielded"],
                                },
                            }
                        },
                    }
                },
            ],
            "markdown_extensions": [
                "tables",
                "md_in_html",
                "attr_list",
                {"toc": {"permalink": True}},
                {
                    "pymdownx.highlight": {
                        "anchor_linenums": True,
                        "line_anchors": "L",
                        "linenums_style": "pymdownx-inline",
                    }
                },
                "pymdownx.superfences",
            ],
            "extra_css": ["extra.css"],
            "validation": {"links": {"anchors": "info", "unrecognized_links": "warn", "absolute_links": "warn"}},
            "nav": navigation,
        },
        indent=1,
        ensure_ascii=False,
    )
