"""What was published: a number, where it stands, what its authors say of the setup, and what they leave open."""

from dataclasses import dataclass

PDP = "Rumelhart, Hinton and Williams 1986, Learning internal representations by error propagation, PDP vol. 1, ch. 8"
NATURE = "Rumelhart, Hinton and Williams 1986, Learning representations by back-propagating errors, Nature 323"
FAHLMAN = "Fahlman 1988, An empirical study of learning speed in back-propagation networks, CMU-CS-88-162"
LANG = "Lang 1988, an answer on the connectionists mailing list (the paper: Lang and Witbrock, Learning to tell two spirals apart)"
WALKER = "Walker 1988, told by Frostrom on the connectionists mailing list on 1 September 1988 (archive 1988-September/011423)"
RPROP = (
    "Riedmiller and Braun 1993, A direct adaptive method for faster backpropagation learning: the RPROP algorithm, ICNN"
)
MEMORY = "unverified, from memory: of the paper its abstract was seen, and of its table nothing"
CLAIMS = {  # of papers without a single number to hold a run to: what is said, and where that was seen
    "Sprinkhuizen-Kuyper and Boers 1996, The error surface of the simplest XOR network has only global minima, Neural Computation 8, "
    "1301-1320": ("every start reaches error 0 with probability one, in the limit", "the abstract, at scilit.com"),
    "Tesauro and Janssens 1988, Scaling relationships in back-propagation learning, Complex Systems 2(1)": (
        "training time of parity for n = 2 to 8 inputs, with rate, momentum and weight scale tuned per n, roughly as 4^n, by a "
        "network n-2n-1 whose weights move after each pattern, the time being a number of presentations and not of epochs. Not stated "
        "there: the size of the error at which training stops, taken as 40-20-40",
        "the abstract, at complex-systems.com, whose formula 4^n is lost and here from memory; network and unit of time in the "
        "file on parity of CMU's neural benchmarks, at ibiblio.org, up to the criterion",
    ),
    "Kolen and Pollack 1990, Backpropagation is sensitive to initial conditions, Complex Systems 4(3), 269-280": (
        "the size of the first weights is a very significant parameter of the variability of convergence time",
        "the abstract, at complex-systems.com",
    ),
    "Sprinkhuizen-Kuyper and Boers 1999, The local minima of the error surface of the 2-2-1 XOR network, AMAI 25": (
        "regions of local minima, in the weak sense, where hidden nodes are saturated; from each finite point a strictly falling path "
        "to error 0",
        "the abstract, in the catalogue at unibo.it",
    ),
    "Thimm and Fiesler 1997, High-order and multilayer perceptron initialization, IEEE TNN 8(2), 349-359": (
        "the best variance of first weights on eight sets of data. It has no number to hold a run to, and none is run here",
        "the abstract, at infoscience.epfl.ch",
    ),
}


@dataclass(frozen=True)
class Original:
    """One published number.

    number: epochs (sweeps over all patterns) until the network was trained.
    runs:   how many runs it is the mean of; 1 where it is that of the single run that is told of.
    stated, not_stated: of the setup, in words.
    seen:   in what form we have read what is said to be stated; "unverified" is from memory.
    """

    key: str
    title: str
    source: str
    number: float
    runs: int
    stated: str
    not_stated: str
    seen: str


ORIGINALS = (
    Original(
        "encoder",
        "10-5-10 encoder",
        FAHLMAN,
        129,
        25,
        "mean 129, standard deviation 46, range 80 to 265; batch, summed gradient, ε = 1.7, no momentum, U(±1), 40-20-40",
        "the number of runs is taken as 25; whether the error has the ½",
        "unverified: neither the report nor a copy of its table was at hand",
    ),
    Original(
        "xor-skip",
        "XOR, one hidden unit, skip connections",
        PDP,
        558,
        1,
        "558 sweeps, η = 0.5 (p. 331); of most of their simulations: momentum about 0.9 (p. 330)",
        "this run's momentum, targets, initial weights, criterion, and whether the weights move after each pattern or each sweep",
        "a paraphrase that gives the pages; the chapter itself was not at hand",
    ),
    Original(
        "symmetry",
        "symmetry of six bits, 6-2-1",
        NATURE,
        1425,
        1,
        "1425 sweeps through the 64 patterns, weights adjusted on the accumulated gradient after each sweep, ε = 0.1, α = 0.9, "
        "U(±0.3)",
        "the criterion, the targets, whether the error has the ½",
        "a transcription of the caption of its figure 1",
    ),
    Original(
        "parity",
        "parity of four bits, 4-4-1",
        PDP,
        2825,
        1,
        "2825 presentations of each of the sixteen patterns, η = 0.5 (p. 335)",
        "momentum, targets, initial weights, criterion, online or batch",
        "a paraphrase that gives the pages; the chapter itself was not at hand",
    ),
    Original(
        "spirals",
        "two spirals, 2-5-5-5-1 with shortcuts",
        LANG,
        18000,
        1,
        "all outputs on the right side of 0.5 by epoch 18000 (not yet at 16000); batch, targets 0.2 and 0.8, learning rate raised "
        "gradually from 0.001 to 0.002, momentum from 0.5 to 0.95, 138 weights; the paper's own runs took 20000 epochs, say "
        "Fahlman and Lebiere 1990; the problem is Wieland's, posted on the same list on 5 August 1988",
        "initial weights, when the rates were raised, whether the error has the ½",
        "unverified but for the 20000 epochs and Wieland, which Fahlman and Lebiere say (read in translation)",
    ),
    Original(
        "walker",
        "two spirals, 2-20-10-1",
        WALKER,
        13940,
        1,
        "13 940 cycles until all outputs are within 0.3 of their targets; 281 weights, learning rate 0.1 in all three layers, "
        "momentum 0.7, batch, no error counted for an output within 0.15 of its target",
        "initial weights, targets, whether the gradient is the sum or the mean; here an output within 0.15 counts its error too",
        "the message in the list's archive, up to where it begins to tell of ANSim's activations",
    ),
    *(
        Original(
            key,
            f"10-5-10 encoder by {words}",
            RPROP,
            number,
            10,
            f"a mean of {number} epochs {stated}",
            f"the number of runs is taken as 10; initial weights and criterion are taken as Fahlman's{more}",
            MEMORY,
        )
        for key, words, number, stated, more in (
            ("encoder-rprop", "RPROP", 19, "at the best first step, Δ0 = 2", ""),
            ("encoder-rprop-standard", "RPROP as it comes", 30, "at the standard first step, Δ0 = 0.1", ""),
            (
                "encoder-quickprop",
                "Quickprop",
                21,
                "at the best rate, ε = 1.5, with μ = 1.75",
                "; Fahlman adds 0.1 to f', which is left out here",
            ),
            ("encoder-plain", "back-propagation", 121, "at the best rate, ε = 1.9, without momentum", ""),
        )
    ),
    *(
        Original(
            key,
            f"XOR with eight hidden nodes at η = {rate}",
            f"Chauvin, reported in {PDP}",
            number,
            25,
            f"about {number} presentations with eight hidden nodes and η = {rate} (p. 333)",
            "the number of runs is taken as 25; momentum, targets, initial weights, online or batch; criterion taken as E < 0.01",
            "unverified, from memory: neither the chapter nor a paraphrase of this sentence was at hand",
        )
        for key, rate, number in (("eight-slow", 0.1, 450), ("eight-fast", 0.75, 68))
    ),
)


def original(key: str) -> Original:
    """The original of that key.

    >>> original("parity").number
    2825
    """
    return next(o for o in ORIGINALS if o.key == key)
