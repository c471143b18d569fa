"""The GPU kernel, checked and measured: ``python -m benchmarks.gpu``; ``static`` counts its instructions."""
