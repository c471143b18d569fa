"""What a mistake is, and the decorator that puts one into the catalogue."""

from collections.abc import Callable
from dataclasses import dataclass, field

from manual.activations import ACTIVATIONS, Activation, Array
from manual.backprop import CORRECT, Equations, weight_gradient
from manual.network import Layer
from manual.objective import CROSS_ENTROPY, HALF_SQUARED_ERROR, OBJECTIVES, OUTPUT_ACTIVATIONS
from manual.rules import RULES, Rule, decayed


@dataclass(frozen=True)
class Mistake:
    """A wrong derivation: ``equation`` is where it goes wrong, ``why`` what the author was thinking.

    objective: what E was, with ``output`` as the output activation; any, if that is empty.
    rules:     the rules by name, as this author wrote them.
    decay:     (20), from g, W, the rows of W̄, λ and the number of patterns, of which the right one does not depend.
    """

    name: str
    equation: int
    why: str
    equations: Equations = CORRECT
    activations: dict[str, Activation] = field(default_factory=lambda: OUTPUT_ACTIVATIONS)
    objective: str = HALF_SQUARED_ERROR.name
    output: str = ""
    rules: dict[str, Rule] = field(default_factory=lambda: RULES)
    decay: Callable = field(default=lambda g, W, n, weight_decay, patterns: decayed(g, W, n, weight_decay))

    def of(self, objective: str) -> Equations:
        """Equations (8) to (12) with the output delta of an objective, unless that is where the mistake is."""
        if self.equations.output_delta is not CORRECT.output_delta:
            return self.equations
        return self.equations._replace(output_delta=OBJECTIVES[objective].equations.output_delta)

    def functions(self, names: tuple[str, ...]) -> tuple[Activation, ...]:
        """The activations by name, as this author wrote them."""
        return tuple(self.activations[name] for name in names)


FOUND: list[Mistake] = []  # every mistake, in the order of the files that have them


def mistake(name: str, equation: int, why: str, *, of: str = "") -> Callable[[Callable], Callable]:
    """Put the function below into the catalogue.

    ``of`` names the activation whose derivative it stands for, in (3), (4), (17) and (18); in (8) and (19) the output activation that
    the network has.
    """

    def add(wrong: Callable) -> Callable:
        if equation == 19:
            delta = CORRECT._replace(output_delta=wrong)
            FOUND.append(Mistake(name, equation, why, delta, objective=CROSS_ENTROPY.name, output=of))
        elif equation == 20:
            FOUND.append(Mistake(name, equation, why, decay=wrong))
        elif equation in (21, 22):
            name_of_rule = {rule.equation: rule.name for rule in RULES.values()}[equation]
            replaced = {**RULES, name_of_rule: RULES[name_of_rule]._replace(step=wrong)}
            FOUND.append(Mistake(name, equation, why, rules=replaced))
        elif equation == 8 and of:
            FOUND.append(Mistake(name, equation, why, CORRECT._replace(output_delta=wrong), output=of))
        elif of:
            replaced = {**OUTPUT_ACTIVATIONS, of: OUTPUT_ACTIVATIONS[of]._replace(derivative=wrong)}
            output = of if of not in ACTIVATIONS else ""
            FOUND.append(Mistake(name, equation, why, activations=replaced, output=output))
        elif equation == 11:
            FOUND.append(Mistake(name, equation, why, _bias(wrong)))
        else:
            role = {8: "output_delta", 9: "hidden_delta", 10: "weight_gradient", 12: "input_gradient"}[equation]
            FOUND.append(Mistake(name, equation, why, CORRECT._replace(**{role: wrong})))
        return wrong

    return add


def _bias(wrong: Callable[[Layer, Array], Array]) -> Equations:
    """The same mistake in the bias as a vector and in the bias node's row."""

    def wrong_row(layer: Layer, delta: Array) -> Array:
        g = weight_gradient(layer, delta)
        n = layer.below.shape[-1]
        if g.shape[0] == n:
            return g
        return g.__array_namespace__().concat([g[:n], wrong(layer, delta)[None, :]], axis=0)

    return CORRECT._replace(weight_gradient=wrong_row, bias_gradient=wrong)
