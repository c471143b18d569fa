"""Training in a forked child is a sentence, where it would wait for ever; a child that was forked before JAX started trains."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CODE = """
import os, signal, sys, warnings
warnings.simplefilter("ignore")  # JAX's own word about forks
import bpnn_jax
network, x, t = bpnn_jax.Network((2, 2, 1)), [[0, 1], [1, 0]], [[0], [1]]

def fork():
    child = os.fork()
    if not child:
        signal.alarm(60)
        for function in (bpnn_jax.train, lambda *a, **k: bpnn_jax.train_many(*a, seeds=2, **k)):
            try:
                function(network, x, t, epochs=2)
                print("trained")
            except bpnn_jax.InputError as error:
                print(error)
        sys.stdout.flush()
        os._exit(0)  # as multiprocessing does: the parent's JAX is not the child's to close
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

fork()
bpnn_jax.train(network, x, t, epochs=2)
fork()
"""


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="this system does not fork")
def test_a_child_of_fork_trains_if_jax_had_not_started_and_is_told_otherwise():
    ran = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    *before, one, many = ran.stdout.splitlines()
    assert before == ["trained", "trained"]
    for function, line in (("train", one), ("train_many", many)):
        assert line.startswith(f"expected {function} in a process whose JAX has its threads, got a child")
