"""The words of a study's page, each in a sentence or two."""

TERMS = {
    "arm": "One combination of the settings that vary. Every arm is trained from the same seeds.",
    "seed": "The number that initial weights and the order of the patterns are made from. The same seed means the same in every arm.",
    "split": "One way to divide the patterns into those that are trained on and those that are tested on.",
    "test accuracy": "The share of the test patterns, which no training saw, whose class is right.",
    "solved": "A run is solved when every output of every pattern is within the tolerance of its target. It stops there.",
    "points": "Percentage points: from 80% to 85% are 5 points.",
    "interval": "A range from a method that holds the true value in 95% of studies like this one, where no other level is given.",
    "share": "Of the variance among the arms' means, the part that this factor makes. It is corrected for bias, so it can be below 0.",
    "effect": "What one level of a factor makes against another, as a mean over all other factors.",
    "interaction": "How much the effect of one factor differs between the levels of another.",
    "p": "The probability of a difference at least this large if there were none. It is corrected by Holm's method for all "
    "comparisons of its table.",
    "d": "The standardised difference: the mean of the paired differences, in units of their standard deviation.",
    "would show": "The smallest difference that 80% of studies like this one would show.",
    "best": "The values of the tuned settings that each arm was judged at, the commonest first. They were chosen on other data or "
    "by other seeds than those that judge them.",
    "diverged": "A run in which the error or a weight was no longer finite.",
    "E": "The error that is minimised, summed over the outputs and the patterns that are trained on.",
    "certificate": "What the ladder says of an arm's gradient: 'gradient' where all checks agree, 'not a gradient' where a step does "
    "not follow it, 'wrong' where a check failed.",
    "ladder": "Checks of the derivation, step by step: each equation of the network against JAX and against the complex step, and one "
    "epoch of the arm's own program against the hand derivation.",
    "look": "An unfinished study may be looked into at 25, 50, 75 and 100% of its seeds. Intervals and p count all looks.",
}
