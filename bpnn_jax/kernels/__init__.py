"""The fast training loops: the hand derivation, written out so that a compiler can make one tight loop of it.

``equations`` holds the arithmetic of one pattern, for one network and for many at once; ``epoch`` the patterns of an epoch and
the momentum rules; ``lanes`` whole runs of a block of networks; ``choice`` says when they serve.
``gpu`` is the same for an NVIDIA GPU: one kernel that trains a block of networks from the first to the last epoch.
"""
