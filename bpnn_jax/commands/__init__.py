"""One file per command: its options on top, a dataclass of the command's name, and ``run(options) -> exit status`` below.

Help is read off the options, so a command imports what is heavy (JAX, NumPy, rich) in the functions that use it.
"""
