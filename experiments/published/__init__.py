"""Numbers from the literature beside ours: what an original says, every reading of what it leaves open, and how each comes out.

``originals`` is the table of what was published, ``readings`` the settings that could be meant by it, ``runs`` trains them and
``rows`` holds them together. What is more than a number is in ``chauvin``, ``symmetry``, ``xor_minima`` and ``tendencies``; ``report``
is all of it.
"""

from experiments.published.experiment import EXPERIMENT

__all__ = ["EXPERIMENT"]
