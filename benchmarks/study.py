"""How long a study takes, start-up and compilation included, and what of it the store and the statistics take.

python -m benchmarks.study            12 arms, 1000 seeds, 2000 epochs of XOR
python -m benchmarks.study --quick    the same with 64 seeds
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

VARY = ("activation=sigmoid,tanh", "hidden-bias=off,on", "momentum=0,0.1,0.9")


def command(folder: Path, seeds: int) -> list[str]:
    vary = [word for given in VARY for word in ("--vary", given)]
    flags = ["--task", "xor", *vary, "--seeds", str(seeds), "--epochs", "2000", "--out", str(folder)]
    return [sys.executable, "-m", "bpnn_jax", "ablate", *flags]


def main(quick: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, began = Path(name) / "study", time.perf_counter()
        subprocess.run(command(folder, 64 if quick else 1000), check=True, stdout=subprocess.DEVNULL)
        wall, used = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        print(f"the command               {wall:6.2f} s, {used.ru_utime + used.ru_stime:.2f} s of processor time")
        print(f"its largest memory        {used.ru_maxrss / 2**10:6.0f} MiB")
        print(f"load of the machine       {os.getloadavg()[0]:6.1f} on {os.cpu_count()} processors")
        store_and_statistics(folder, Path(name) / "copy")


def store_and_statistics(folder: Path, copy: Path) -> None:
    """Processor time of reading, writing and summarising what the command did, imports left out."""
    from bpnn_jax import statistics
    from bpnn_jax.ablation import results
    from bpnn_jax.ablation.chunk import place
    from bpnn_jax.ablation.folder import Store
    from bpnn_jax.ablation.identity import study_of
    from bpnn_jax.ablation.plan import plan

    statistics.wilson(1, 2)  # imports SciPy
    study, _ = study_of(Store(folder))
    planned = plan(study, place())
    began = time.process_time()
    found = results.gather(planned, Store(folder), {})
    read = time.process_time()
    tables = [(c.name, results.chunk_of(Store(folder), c, planned.points)) for c in planned.chunks]
    started = time.process_time()
    for name, table in tables:
        if table is not None:
            Store(copy).keep(name, table)
    written = time.process_time()
    results.summarise(found)
    ended = time.process_time()
    assert found.complete
    print(f"reading {study.runs:6,} runs      {read - began:6.2f} s of processor time")
    print(f"writing them              {written - started:6.2f} s of processor time")
    print(f"statistics                {ended - written:6.2f} s of processor time")


if __name__ == "__main__":
    main("--quick" in sys.argv[1:])
