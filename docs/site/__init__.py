"""The documentation site: pages, sources and reference brought into one folder, which MkDocs makes HTML of (``make docs``)."""
