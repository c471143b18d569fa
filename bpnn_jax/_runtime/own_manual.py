"""Importing this makes sure that ``manual`` is the derivation, and not another module of that name which comes first on the path."""

import manual

if not hasattr(manual, "ACTIVATIONS"):
    where = getattr(manual, "__file__", None) or ", ".join(getattr(manual, "__path__", ["no file"]))
    raise ImportError(
        f"expected bpnn_jax's own package 'manual', the derivation, got another module of that name: {where}; it comes first on "
        "sys.path: rename it, or start Python from another folder"
    )
