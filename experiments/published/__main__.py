"""``python -m experiments.published``."""

from experiments.published import EXPERIMENT

EXPERIMENT.main()
