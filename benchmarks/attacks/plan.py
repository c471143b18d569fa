"""Which attacks are carried out: all of them, or a sample that is spread over what their names say, and is the same each time."""

import random
from collections.abc import Sequence
from itertools import combinations

from benchmarks.attacks.attack import Attack
from benchmarks.attacks.ground import Ground
from benchmarks.attacks.kinds import (
    arrays,
    audits,
    descriptors,
    disks,
    edits,
    flips,
    limits,
    names,
    outputs,
    owners,
    places,
    signals,
    tables,
)

KINDS = {
    m.KIND: m
    for m in (outputs, names, edits, flips, places, limits, descriptors, signals, disks, owners, audits, arrays, tables)
}
SHARE = 56  # attacks of each kind, and of edits three times as many: a file's fields, each by hand and sealed again
STEP = 7  # bytes from one flip to the next
QUICK = 4
SLOW = (signals, disks, owners)  # each attack is a study or several: seconds, where others take tenths
QUICK_OF_SLOW = 2
QUICK_STEP = 97
SEED = 0


def chosen(
    ground: Ground,
    only: Sequence[str] = (),
    name: str = "",
    each: int | None = None,
    quick: bool = False,
    all: bool = False,
) -> list[Attack]:
    """The attacks of some kinds (by default of all) with ``name`` in their names: all, at most ``each`` of a kind, or a sample."""
    found = []
    for kind, module in KINDS.items():
        if only and kind not in only:
            continue
        step = {"step": QUICK_STEP if quick else STEP} if module is flips and not all else {}
        of_kind = [a for a in module.attacks(ground, **step) if name in a.name]
        if each or quick:
            of_kind = apart(of_kind, each or (QUICK_OF_SLOW if module in SLOW else QUICK))
        elif not all:
            of_kind = spread(of_kind, SHARE * 3 if module is edits else SHARE)
        found += of_kind
    return found


def apart(attacks: Sequence[Attack], limit: int) -> list[Attack]:
    """So many attacks whose names have few words in common: each is the one that is farthest from all before it (Jaccard)."""
    order = list(range(len(attacks)))
    random.Random(SEED).shuffle(order)
    names = [set(attack.name.split()) for attack in attacks]
    taken = order[:1]
    nearest = dict.fromkeys(order, 0.0)
    while len(taken) < min(limit, len(attacks)):
        for i in order:
            nearest[i] = max(nearest[i], len(names[i] & names[taken[-1]]) / len(names[i] | names[taken[-1]]))
        taken.append(min((i for i in order if i not in taken), key=nearest.__getitem__))
    return [attacks[i] for i in sorted(taken)]


def spread(attacks: Sequence[Attack], limit: int) -> list[Attack]:
    """Attacks with every word of every name, even where that takes more of them, then with many pairs of words."""
    order = list(range(len(attacks)))
    random.Random(SEED).shuffle(order)
    taken: list[int] = []
    for size in (1, 2):
        seen: set[tuple[str, ...]] = {pair for i in taken for pair in combinations(attacks[i].name.split(), size)}
        for i in order:
            if len(taken) >= limit and size == 2:
                break
            new = set(combinations(attacks[i].name.split(), size)) - seen
            if new and i not in taken:
                taken.append(i)
                seen |= new
    return [attacks[i] for i in sorted(taken)]
