"""The peers that need a compiler: plain C, C blocked by hand, and FANN. The others are in ``bpnn_jax.bench``."""
