"""A quick run of an experiment, looked at as all of them are."""

import importlib
import json
import re

import pytest

from experiments._common import Options

INTERVAL = re.compile(r"\d+ \[[-+.\d]+, [-+.\d]+\]|\.\d+% \[[-+.\d]+, [-+.\d]+\]|\.\d+ \[[-+.\d]+, [-+.\d]+\]")


@pytest.fixture(scope="module")
def quick_run(tmp_path_factory):
    """What an experiment of that name writes: its file, once the file, the runs, the figures and the answer are there."""

    def run(name):
        folder = tmp_path_factory.mktemp(name)
        experiment = importlib.import_module(f"experiments.{name}").EXPERIMENT
        found = experiment.run(Options(quick=True, out=folder))
        kept = json.loads((folder / f"{name}.json").read_text())
        assert kept["quick"] is True
        assert found["held_fixed"].startswith("Held fixed: ")
        assert " Freed" in found["held_fixed"]
        for said in ("answer", "details"):
            assert kept[said] == found[said]
            assert INTERVAL.search(kept[said])
            assert not re.search(r"\bnan\b", kept[said])
        for png in experiment.plots:
            assert (folder / f"{name}{png and '.'}{png}.png").read_bytes().startswith(b"\x89PNG")
        assert json.loads(json.dumps(experiment.again(folder))) == kept  # from the runs that are kept beside it
        return kept

    return run
