"""PyTorch: autograd in eager mode, the step under ``torch.compile``, and many networks under ``torch.func.vmap``.

Its own momentum is a velocity, so the article's rule is written out. Threads: as many as the process may use cores.
"""

import os

from benchmarks.speed.tasks import Task, Weights


def _torch():
    import torch  # pyright: ignore[reportMissingImports]

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    torch.set_num_threads(cores or 1)
    return torch


def _batches(task: Task, device: str = "cpu"):
    torch, size = _torch(), task.batch_size
    x, t = (torch.from_numpy(a).to(device).split(size) for a in (task.x, task.t))
    return list(zip(x, t, strict=True))


def eager(task: Task, device: str = "cpu"):
    """``loss.backward()`` and an update in place: linear layers as one writes them, a call an update."""
    torch, batches = _torch(), _batches(task, device)
    N, M = task.learning_rate, task.momentum

    def run() -> Weights:
        layers = [
            torch.nn.Linear(n_in, n_out, device=device)
            for n_in, n_out in zip(task.sizes[:-1], task.sizes[1:], strict=True)
        ]
        model = torch.nn.Sequential(layers[0], torch.nn.Sigmoid(), layers[1], torch.nn.Sigmoid())
        with torch.no_grad():
            for layer, W in zip(layers, task.weights, strict=True):
                layer.weight.copy_(torch.from_numpy(W[0, :-1].T))
                layer.bias.copy_(torch.from_numpy(W[0, -1]))
        weights = list(model.parameters())
        before = [torch.zeros_like(p) for p in weights]
        for _ in range(task.epochs):
            for x, t in batches:
                loss = 0.5 * (model(x) - t).square().sum()
                loss.backward()
                with torch.no_grad():
                    g = [p.grad for p in weights]
                    torch._foreach_add_(weights, g, alpha=-N)
                    torch._foreach_add_(weights, before, alpha=-M)
                before = g
                for p in weights:
                    p.grad = None
        whole = [torch.cat([layer.weight.T, layer.bias[None]]).detach().cpu().numpy() for layer in layers]
        return tuple(W[None] for W in whole)

    return run


def _step(task: Task):
    """One update as a function of weights and previous gradient, for ``torch.compile`` and ``vmap``."""
    torch = _torch()
    N, M = task.learning_rate, task.momentum

    def error(weights, x, t):
        W1, W2 = weights
        h = torch.sigmoid(x @ W1[:-1] + W1[-1])
        return 0.5 * (torch.sigmoid(h @ W2[:-1] + W2[-1]) - t).square().sum()

    def step(weights, before, x, t):
        g = torch.func.grad(error)(weights, x, t)
        return tuple(W - N * new - M * old for W, new, old in zip(weights, g, before, strict=True)), g

    return step


def _runner(task: Task, step, batches, weights):
    torch = _torch()

    def run() -> Weights:
        now, before = weights, tuple(torch.zeros_like(W) for W in weights)
        for _ in range(task.epochs):
            for x, t in batches:
                now, before = step(now, before, x, t)
        return tuple(W.cpu().numpy().reshape(task.networks, *W.shape[-2:]) for W in now)

    return run


def compiled(task: Task):
    """The whole update, gradient and all, as one compiled function."""
    torch = _torch()
    weights = tuple(torch.from_numpy(W[0]) for W in task.weights)
    return _runner(task, torch.compile(_step(task)), _batches(task), weights)


def vmap(task: Task, device: str = "cpu"):
    """``torch.func.vmap`` over the networks: an update of all of them is one call."""
    torch = _torch()
    step = torch.func.vmap(_step(task), in_dims=(0, 0, None, None))
    weights = tuple(torch.from_numpy(W).to(device) for W in task.weights)
    return _runner(task, step, _batches(task, device), weights)


def vmap_compiled(task: Task):
    """The same under ``torch.compile``."""
    torch = _torch()
    step = torch.compile(torch.func.vmap(_step(task), in_dims=(0, 0, None, None)))
    return _runner(task, step, _batches(task), tuple(torch.from_numpy(W) for W in task.weights))
