"""The page's arithmetic against ``manual``, in Node on its modules and in Chromium on the built page: the same programs in both."""

import json
import random
import shutil
import subprocess

import numpy as np
import pytest

import manual
from bpnn_jax.settings import Run
from docs.play import build
from manual.article import NN
from manual.mistakes import MISTAKES, Mistake

pytestmark = pytest.mark.quick_xla
CORRECT = Mistake("", 0, "")
CATALOGUE = {m.name: m for m in (CORRECT, *MISTAKES)}
# E sums over at most 15 products of numbers below 10: some 1e-15 of rounding on either side. A wrong formula is off by 1e-3 or more.
EXACT = 1e-12


@pytest.fixture(scope="module", params=["node", "chromium"])
def javascript(request):
    """Runs a function body that gets ``bpnn``, what the page's modules export, and arguments; what it returns."""
    if request.param == "chromium":
        page = request.getfixturevalue("browser").open(build.PAGE)
        return lambda body, *arguments: page.run(
            f"return ((bpnn, ...args) => {{ {body} }})(window.bpnn, ...args)", *arguments
        )
    if not shutil.which("node"):
        pytest.skip("node is not on the path: apt-get install nodejs")

    def run(body, *arguments):
        modules = ", ".join(f"await import({json.dumps((build.SOURCES / name).as_uri())})" for name in build.EXPOSED)
        program = f"""
            import {{ readFileSync }} from "node:fs";
            const bpnn = Object.assign({{}}, {modules});
            const args = JSON.parse(readFileSync(0, "utf-8"));
            console.log(JSON.stringify(((bpnn, ...args) => {{ {body} }})(bpnn, ...args)));
        """
        command = ["node", "--input-type=module", "--eval", program]
        done = subprocess.run(
            command, input=json.dumps(arguments), capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def network(rng: np.random.Generator, objective: str = "", output: str = "", names: list[str] | None = None) -> dict:
    """A random network with its patterns, as the page is given it."""
    sizes = [int(n) for n in rng.integers(1, 5, rng.integers(2, 5))]
    objective = objective or str(rng.choice(list(manual.OBJECTIVES)))
    serving = manual.OBJECTIVES[objective].outputs or tuple(manual.OUTPUT_ACTIVATIONS)
    output = output or str(rng.choice(serving))
    sizes[-1] = max(sizes[-1], 2) if output == "softmax" else sizes[-1]
    names = [*(names or rng.choice(list(manual.ACTIVATIONS), len(sizes) - 2).tolist()), output]
    biases = [bool(rng.integers(2))] + [bool(rng.integers(2))] * (len(sizes) - 2)
    weights = [
        rng.uniform(-1.5, 1.5, (below + bias, above))
        for below, above, bias in zip(sizes, sizes[1:], biases, strict=False)
    ]
    x, t = rng.uniform(-2, 2, (4, sizes[0])), rng.uniform(0, 1, (4, sizes[-1]))
    return as_given(weights, x, t / t.sum(axis=1, keepdims=True) if output == "softmax" else t, names, objective)


def as_given(weights, x, t, names, objective="half-squared-error", **others) -> dict:
    matrices = {
        "weights": [np.asarray(W).tolist() for W in weights],
        "x": np.asarray(x).tolist(),
        "t": np.asarray(t).tolist(),
    }
    return {**matrices, "names": names, "objective": objective, **others}


def arrays(given: dict) -> tuple:
    return tuple(map(np.array, given["weights"])), np.array(given["x"]), np.array(given["t"])


def assert_close(got, expected, limit=EXACT):
    """Leaf by leaf, by ``limit`` of the leaf's largest number, or of 1."""
    assert len(got) == len(expected)
    for g, e in zip(got, expected, strict=True):
        assert np.shape(g) == np.shape(e)
        assert np.max(np.abs(np.array(g) - e)) <= limit * max(1.0, np.max(np.abs(e)))


HOW = """
    const mistaken = bpnn.derivation(net.mistake || "", net.of || "", net.objective);
    const by = ({ activations, equations, rules }) =>
        ({ functions: net.names.map((name) => activations[name]), equations, rules, objective: net.objective, ...net.how });
    const [how, right] = [by(mistaken), by(bpnn.derivation("", "", net.objective))];
"""


def test_forward_deltas_and_gradients_of_100_networks(javascript):
    rng = np.random.default_rng(0)
    given = [network(rng) for _ in range(100)]
    assert {name for net in given for name in net["names"]} == set(manual.OUTPUT_ACTIVATIONS)
    body = (
        "return args[0].map((net) => {"
        + HOW
        + """
            const pass = bpnn.forward(net.weights, net.x, how.functions);
            const deltas = bpnn.deltas(pass, net.t, how.equations);
            return {
                z: pass.layers.map((layer) => layer.z), a: pass.layers.map((layer) => layer.a),
                slopes: pass.layers.map(bpnn.derivative), E: bpnn.errorOf(net.weights, net.x, net.t, how),
                deltas, gradient: bpnn.gradient(pass, net.t, how.equations),
                input: how.equations.inputGradient(pass.layers[0], deltas[0]),
            };
        });"""
    )
    for net, got in zip(given, javascript(body, given), strict=True):
        weights, x, t = arrays(net)
        objective = manual.OBJECTIVES[net["objective"]]
        functions = tuple(manual.OUTPUT_ACTIVATIONS[name] for name in net["names"])
        pass_ = manual.forward(weights, x, functions)
        deltas = manual.deltas(pass_, t, objective.equations)
        assert_close(got["z"], [layer.z for layer in pass_.layers])
        assert_close(got["a"], [layer.a for layer in pass_.layers])
        assert_close(got["slopes"], [layer.derivative for layer in pass_.layers])
        assert_close([got["E"]], [objective.error(pass_.layers[-1], t)])
        assert_close(got["deltas"], deltas)
        assert_close(got["gradient"], manual.gradient(pass_, t, objective.equations))
        assert_close([got["input"]], [manual.gradient_of_input(pass_, deltas)])


def trained(net: dict, steps: int) -> list:
    """The weights after so many steps on all patterns, by ``manual``."""
    (weights, x, t), how = arrays(net), net["how"]
    functions = tuple(manual.OUTPUT_ACTIVATIONS[name] for name in net["names"])
    equations, (_, rule, _, start, _) = manual.OBJECTIVES[net["objective"]].equations, manual.RULES[how["rule"]]
    carried = [start(W, how["learningRate"]) for W in weights]
    for _ in range(steps):
        pass_ = manual.forward(weights, x, functions)
        moved, deltas = list(weights), (equations.output_delta(pass_.layers[-1], t),)
        for l in range(len(weights) - 1, -1, -1):
            layer = pass_.layers[l]
            g = equations.weight_gradient(layer, deltas[0])
            g = manual.decayed(g, layer.W, layer.below.shape[-1], how["weightDecay"])
            moved[l], carried[l] = rule(layer.W, g, carried[l], how["learningRate"], how["momentum"])
            if l:
                seen = pass_.with_weights(moved) if how["order"] == "article" else pass_
                deltas = (manual.delta_below(seen, l, deltas), *deltas)
        weights = tuple(moved)
    return list(weights)


def rated(net: dict, n: int) -> dict:
    """With a rule by turns. At these rates the error falls: where it jumps, a training multiplies its own rounding at each step."""
    rule, order = (
        [rule.name for rule in manual.RULES.values() if rule.momentum][n % 3],
        ("simultaneous", "article")[n // 3 % 2],
    )
    momentum = 0.01 if rule == "previous-gradient" else 0.5  # (13)'s M is a rate
    return {
        **net,
        "how": {"rule": rule, "learningRate": 0.02, "momentum": momentum, "weightDecay": 0.01, "order": order},
    }


@pytest.fixture(scope="module")
def after_50_steps():
    """100 networks, and their weights after 50 steps by ``manual``."""
    rng = np.random.default_rng(1)
    given = [rated(network(rng), n) for n in range(100)]
    return given, [trained(net, 50) for net in given]


def test_50_steps_of_each_rule_in_both_orders(javascript, after_50_steps):
    given, expected = after_50_steps
    body = "return args[0].map((net) => {" + HOW
    body += "let now = bpnn.started(net.weights, how); for (let n = 0; n < 50; n++) now = bpnn.updated(now, net.x, net.t, how);"
    body += "return now.weights; });"
    for got, weights in zip(javascript(body, given), expected, strict=True):
        assert_close(got, weights)


# --- the mistakes ---


def first_wrong(net: dict, mistake: Mistake) -> tuple[tuple, float] | None:
    """(kind, layer, pattern, row, column) of the first number that a mistaken ``manual`` has otherwise, in the page's order.

    And that number.
    """
    (weights, x, t), decay = arrays(net), net["how"]["weightDecay"]
    rates, both = (net["how"]["learningRate"], net["how"]["momentum"]), []
    for m in (mistake, CORRECT):
        equations = m.of(net["objective"])
        pass_ = manual.forward(weights, x, m.functions(net["names"]))
        found, last = [], len(weights) - 1
        deltas = manual.deltas(pass_, t, equations)
        for l in range(last, -1, -1):
            layer = pass_.layers[l]
            if l < last or net["objective"] == "half-squared-error":
                found.append(("slope", l, layer.derivative))
            found.append(("delta", l, deltas[l]))
            found.append(("gradient", l, equations.weight_gradient(layer, deltas[l])))
        found.append(("input", 0, manual.gradient_of_input(pass_, deltas, equations)))
        for l, layer in enumerate(pass_.layers):
            g = CATALOGUE[""].of(net["objective"]).weight_gradient(layer, deltas[l])
            g = m.decay(g, layer.W, layer.below.shape[-1], decay, len(x))
            found.append(("decay", l, g))
            rule, carried = m.rules[net["how"]["rule"]], net["carried"][l]
            moved, after = rule.step(
                layer.W, g, np.array(carried) if rule.momentum else tuple(map(np.array, carried)), *rates
            )
            found.append(("step", l, moved))
            if rule.name == "rprop":
                found.append(("carried", l, after[0]))
        both.append(found)
    for (kind, l, wrong), (_, _, right) in zip(*both, strict=True):
        off = ~(abs(wrong - right) <= 1e-12 + 1e-9 * abs(right))
        if off.any():
            place = tuple(map(int, np.argwhere(off)[0]))
            return (kind, l, *place), wrong[place]
    return None


def carried(rng: np.random.Generator, rule: str, W: np.ndarray) -> list:
    """What a rule may have to carry at some step: with RPROP's step sizes near their limits, and Quickprop's d against its slope."""
    if rule == "quickprop":
        g = rng.uniform(-1, 1, W.shape)
        return [g.tolist(), (-g * rng.uniform(0, 1, W.shape)).tolist()]
    if rule == "rprop":
        return [rng.integers(-1, 2, W.shape).astype(float).tolist(), rng.choice([45.0, 0.1], W.shape).tolist()]
    return np.zeros_like(W).tolist()


def example(rng: np.random.Generator, m: Mistake) -> dict:
    """A network that has what a mistake is about."""
    wrong = [name for name in manual.ACTIVATIONS if m.activations[name] is not manual.ACTIVATIONS[name]]
    names = [
        *rng.choice(["sigmoid", "tanh", *wrong], 1).tolist(),
        m.output or str(rng.choice(["sigmoid", "tanh", *wrong])),
    ]
    weights = [rng.uniform(-1.5, 1.5, shape) for shape in ((3, 3), (4, 2))]
    x, t = rng.uniform(-2, 2, (4, 2)), rng.uniform(0, 1, (4, 2))
    if "relu'(0)" in m.name:
        weights[0], x[1] = weights[0][:2], 0.0
    t = t / t.sum(axis=1, keepdims=True) if m.output == "softmax" else t
    rule = {21: "quickprop", 22: "rprop"}.get(m.equation, "heavy-ball")
    how = {"rule": rule, "learningRate": 0.1, "momentum": 0.6, "weightDecay": 0.25, "order": "simultaneous"}
    of = (wrong or [m.output])[0] or ""
    return as_given(
        weights,
        x,
        t,
        names,
        m.objective,
        how=how,
        mistake=m.name,
        of=of,
        carried=[carried(rng, rule, W) for W in weights],
    )


def test_the_first_wrong_cell_of_every_mistake(javascript):
    rng = np.random.default_rng(2)
    given = [example(rng, m) for m in MISTAKES for _ in range(3)]
    body = (
        "return args[0].map((net) => {"
        + HOW
        + """
            return bpnn.stepsOf(net, net.x, net.t, how, right).first;
        });"""
    )
    seen = {}
    for net, got in zip(given, javascript(body, given), strict=True):
        m = CATALOGUE[net["mistake"]]
        expected = first_wrong(net, m)
        assert (got is None) == (expected is None), m.name
        if got:
            place = tuple(got[key] for key in ("kind", "l", "p", "j", "k") if got.get(key) is not None)
            assert place == expected[0], m.name
            assert got["hand"] == pytest.approx(expected[1], rel=EXACT, abs=EXACT), m.name
            seen.setdefault(m.name, set()).add(got["equation"])
    assert seen == {m.name: {m.equation} for m in MISTAKES}  # each was shown, and at its equation alone


def test_a_right_derivation_has_no_wrong_cell_and_its_witness_agrees(javascript):
    """The hand's numbers and the dual numbers', for every activation."""
    rng = np.random.default_rng(3)
    how = {"rule": "nesterov", "learningRate": 0.3, "momentum": 0.5, "weightDecay": 0.1, "order": "simultaneous"}
    given = [{**network(rng), "how": how} for _ in range(100)]
    body = (
        "return args[0].map((net) => {"
        + HOW
        + """
            const { steps, first } = bpnn.stepsOf({ ...net, ...bpnn.started(net.weights, how) }, net.x, net.t, how, right);
            const off = (cell) => Math.abs(cell.hand - cell.right) / (1 + Math.abs(cell.right));
            return { first, off: Math.max(...steps.flatMap((step) => step.cells.map(off))) };
        });"""
    )
    found = javascript(body, given)
    assert [net["first"] for net in found] == [None] * 100
    assert 0 < max(net["off"] for net in found) < EXACT  # two computations, and no copy


# --- random numbers, patterns and the article ---


def test_a_seed_means_what_it_means_in_python(javascript):
    seeds = [0, 1, 2026, 2**32 - 1]
    body = """return args[0].map((seed) => {
        const r = new bpnn.Random(seed);
        return [[r.random(), r.uniform(-2, 2), r.gauss(), r.gauss(), r.gauss()], r.shuffled([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])];
    });"""
    for seed, (numbers, order) in zip(seeds, javascript(body, seeds), strict=True):
        rng, expected = random.Random(seed), list(range(10))
        # Sines and logarithms differ by a rounding between libraries.
        assert numbers == pytest.approx([rng.random(), rng.uniform(-2, 2), *(rng.gauss() for _ in range(3))], rel=1e-14)
        rng.shuffle(expected)
        assert order == expected


def test_the_article_s_run(javascript):
    """Its seed, its order and its rule give its errors: the last pattern's, after each of 300 iterations."""
    nand = [[0, 0], [0, 1], [1, 0], [1, 1]]
    body = """
        const { state } = bpnn.read("task=nand&hidden_bias=off&order=article&activation=sigmoid&ranges=0.2,2&seed=0");
        const { x, t } = bpnn.patternsOf(state, []);
        const network = bpnn.networkOf(state, t);
        const how = bpnn.howOf(state, network, []);
        let now = bpnn.started(bpnn.weightsOf(state, network, state.seed), how);
        const errors = [];
        for (let epoch = 0; epoch < 300; epoch++) {
            x.forEach((row, p) => {
                if (p === 3) errors.push(bpnn.errorOf(now.weights, [row], [t[p]], how));
                now = bpnn.updated(now, [row], [t[p]], how);
            });
        }
        return errors;
    """
    errors = NN(2, 2, 1).train([[x, [1 - x[0] * x[1]]] for x in nand], iterations=300)
    # 1200 updates: rounding grows to some 1e-13 of errors of 0.2, and the article prints 12 digits.
    assert javascript(body) == pytest.approx(errors, abs=1e-12)


@pytest.mark.parametrize("initial", ["uniform", "glorot", "lecun", "he", "nguyen-widrow"])
def test_initial_weights_as_bpnn_defines_them(javascript, initial):
    """By their statistics over 400 draws: the generator is Python's here and JAX's there."""
    import jax

    from bpnn_jax.network import Network, init

    body = """return Array.from({ length: 400 }, (_, seed) =>
        bpnn.initialWeights([3, 4, 2], [true, true], args[0], [0.2, 2], new bpnn.Random(seed)));"""
    drawn = javascript(body, initial)
    keys = jax.random.split(jax.random.key(0), 400)
    expected = jax.vmap(lambda key: init(Network((3, 4, 2)), key, initial=initial))(keys)
    for l in range(2):
        got, same = np.array([weights[l] for weights in drawn]), np.asarray(expected[l])
        assert got.shape == same.shape
        for part in (np.s_[:, :-1], np.s_[:, -1]):
            # The standard error of a deviation from 3200 numbers or more is 1.3%, from 800 biases 2.5%: five of those, twice.
            assert np.std(got[part]) == pytest.approx(np.std(same[part]), rel=0.25, abs=1e-12)
            assert abs(got[part]).max() == pytest.approx(abs(same[part]).max(), rel=0.35, abs=1e-12)


def test_the_tables_and_the_defaults_are_those_of_bpnn(javascript):
    preset = javascript("return bpnn.PRESET")
    run = Run()
    same = (
        "activation",
        "output_activation",
        "objective",
        "input_bias",
        "hidden_bias",
        "rule",
        "learning_rate",
        "momentum",
    )
    for name in (*same, "weight_decay", "order", "mode", "shuffle", "initial"):
        assert preset[name] == getattr(run, name), name
    assert tuple(preset["ranges"]) == run.ranges
    assert javascript("return bpnn.TOLERANCE") == run.tolerance
    for table in ("ACTIVATIONS", "OUTPUT_ACTIVATIONS", "OBJECTIVES", "RULES"):
        assert javascript(f"return Object.keys(bpnn.{table})") == list(getattr(manual, table))
    assert javascript("return bpnn.MISTAKES") == [m.name for m in MISTAKES]
