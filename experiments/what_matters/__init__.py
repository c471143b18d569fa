"""Which choice matters: a network's choices crossed with each other, each network at its own best learning rate.

``design`` is the table of what is crossed and of the tasks, ``runs`` trains it, ``table`` puts the runs of a task side by side,
``effects`` is what they say, ``report`` the words for it and ``figures`` the pictures. ``repeated`` repeats two results elsewhere.
"""

from experiments.what_matters.experiment import EXPERIMENT

__all__ = ["EXPERIMENT"]
