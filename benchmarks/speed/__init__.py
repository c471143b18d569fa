"""How fast: ours beside other ways to train the same network on the same data, timed in turn in one run.

``python -m benchmarks.speed``, or ``make bench``, which also installs the peers that come from Python's index.

    tasks    what is trained: data, initial weights, rates
    peers    who trains it; each peer's own file says how
    worker   a process for each peer, so that none sees another's threads, settings or memory
    rounds   check everybody's result, then time them in turn
    report   table, Markdown and JSON
"""
