"""A quick run of an experiment, looked at as all of them are."""

import importlib
import json
import re

import pytest

from experiments._common import Options

INTERVAL = re.compile(r"\d+ \[[-+.\d]+, [-+.\d]+\]|\.\d+% \[[-+.\d]+, [-+.\d]+\]|\.\d+ \[[-+.\d]+, [-+.\d]+\]")


@pytest.fixture(scope="module")
def quick_run(tmp_path_factory):
    """What an experiment of that name writes: its file, once the file, the figure and the answer are there."""

    def run(name):
        folder = tmp_path_factory.mktemp(name)
        found = importlib.import_module(f"experiments.{name}").EXPERIMENT.run(Options(quick=True, out=folder))
        kept = json.loads((folder / f"{name}.json").read_text())
        assert kept["quick"] is True
        for said in ("answer", "details"):
            assert kept[said] == found[said]
            assert INTERVAL.search(kept[said])
            assert not re.search(r"\bnan\b", kept[said])
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        return kept

    return run
