"""Peers that are wrong, or do nothing, each in its own way. A file of its own: their processes import it, and nothing else with it."""

import sys
from dataclasses import replace

import numpy as np

from benchmarks.speed import worker
from benchmarks.speed.peers import classic


def forgets_momentum(task):
    return classic.numpy_loop(replace(task, momentum=0.0))


def fails(task):
    raise ValueError("no such thing\nand more")


def dies(task):
    sys.exit(3)


def gives_nan(task):
    return lambda: tuple(np.full_like(W, np.nan) for W in task.weights)


def one_network_only(task):
    return lambda: tuple(W[0] for W in task.weights)


def untouched(task):
    """A reference that costs nothing: the weights as they came."""
    return lambda: task.weights


def moved_by_the_rate(task):
    return lambda: tuple(task.learning_rate * W for W in task.weights)


def moved_by_two(task):
    return lambda: tuple(2 * W for W in task.weights)


def cores_seen(task):
    return lambda: (np.array([worker.cores()]),)
