"""What a Ray cluster costs beside the training itself, and how large a run is on the way and on the disk.

python -m benchmarks.ray_engine            on a cluster of a worker a processor, on this machine; a minute
python -m benchmarks.ray_engine --quick    the same with fewer chunks
"""

import os
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

from bpnn_jax.ablation import Run, Study, ray
from bpnn_jax.ablation.chunk import Chunk, place, run_chunk
from bpnn_jax.ablation.folder import Store
from bpnn_jax.ablation.plan import plan
from bpnn_jax.ablation.results import gather

WORKERS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
# Of benchmarks/study.py, whose runs stop when they are solved; and runs too short to matter, for what is not training.
WHOLE = Study(
    "xor",
    vary={"activation": ("sigmoid", "tanh"), "hidden_bias": (False, True), "momentum": (0.0, 0.1, 0.9)},
    seeds=512,
    epochs=2000,
)
EMPTY = Study("xor", base=Run(tolerance=0.0), epochs=50, points=50)


def main(quick: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        began = time.perf_counter()
        with ray.connect() as cluster:
            started = time.perf_counter()
            print(f"a cluster and its first worker {started - began:6.1f} s")
            for size, count in ((512, 40 if quick else 400), (16384, 4 if quick else 16)):
                study = Study(**{**vars(EMPTY), "seeds": size * count, "chunk": size})
                overhead(cluster, plan(study, cluster.place).chunks, Store(Path(name) / str(size)))
            began = time.perf_counter()
        print(f"ending it                      {time.perf_counter() - began:6.1f} s")
        for points in (50, 1):
            disk(
                Path(name) / f"whole{points}", Study(**{**vars(WHOLE), "points": points, "seeds": 64 if quick else 512})
            )
    memory(10_000 if quick else 100_000)
    print(f"load of the machine            {os.getloadavg()[0]:6.1f} on {os.cpu_count()} processors")


def overhead(cluster: ray.Cluster, chunks: Sequence[Chunk], store: Store) -> None:
    """Chunks of runs of 50 epochs through the cluster and into their files, beside training them here."""
    size = len(chunks[0].lanes)
    for _ in cluster.train([*chunks[:2], *chunks[:2]], lambda chunk: False):  # every worker has compiled by then
        pass
    run_chunk(chunks[0])
    began = time.perf_counter()
    for chunk in chunks[:4]:
        run_chunk(chunk)
    here = (time.perf_counter() - began) / 4
    began, used, travelled, written = time.perf_counter(), time.process_time(), 0, 0.0
    for chunk, table in cluster.train(chunks, lambda chunk: False):
        assert table is not None
        travelled += table.nbytes
        at = time.process_time()
        store.keep(chunk.name, table)
        written += time.process_time() - at
    wall, used = (time.perf_counter() - began) / len(chunks), (time.process_time() - used) / len(chunks)
    written /= len(chunks)
    print(f"chunks of {size:6,} runs, of 50 epochs")
    print(f"  trained here, on one core    {1e3 * here:6.1f} ms a chunk")
    print(f"  by {WORKERS} workers, and kept      {1e3 * wall:6.1f} ms a chunk")
    print(f"  processor time of the driver {1e3 * used:6.1f} ms a chunk, of which writing {1e3 * written:.1f}")
    print(f"  a run's way back             {travelled / len(chunks) / size:6.0f} bytes")


def disk(folder: Path, study: Study) -> None:
    """Bytes of Parquet a run, of a study as people run it."""
    store = Store(folder)
    for chunk in plan(study, place()).chunks:
        store.keep(chunk.name, run_chunk(chunk))
    size = sum(file.stat().st_size for file in store.chunks.iterdir())
    print(f"a run with {len(study.history_epochs):2} points on the disk {size / study.runs:6.0f} bytes")


def memory(runs: int) -> None:
    """Memory of the driver a run: its plan, and the arrays of its results."""
    study = Study(**{**vars(EMPTY), "seeds": runs})
    tracemalloc.start()
    planned_study = plan(study, place())
    planned = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    found = gather(planned_study, Store("nowhere", read_only=True), {})
    arrays = (found.seeds, found.stopped, found.epochs, found.error, found.seconds, found.history)
    print(f"a run in the driver's plan     {planned / runs:6.0f} bytes")
    print(f"a run in its results           {sum(a.nbytes for a in arrays) / runs:6.0f} bytes")


if __name__ == "__main__":
    main("--quick" in sys.argv[1:])
