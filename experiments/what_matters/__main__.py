"""``python -m experiments.what_matters``."""

from experiments.what_matters import EXPERIMENT

EXPERIMENT.main()
