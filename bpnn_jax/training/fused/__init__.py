"""The fast training loops on the CPU: the hand derivation written out, so that a compiler can make one tight loop of it.

``activations`` holds the sigmoid and tanh; ``equations`` the arithmetic of one pattern, for one network and for many at once;
``epoch`` the patterns of an epoch and the rules; ``patterns`` the batches of one network; ``lanes`` whole runs of a block of
networks. ``bpnn_jax.training._engines`` chooses among them.
"""
