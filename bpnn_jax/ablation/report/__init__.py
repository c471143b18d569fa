"""A study as one page: its question, its answer in a sentence with an interval, tables, charts, and how to repeat it to the bit."""

from bpnn_jax.ablation.report._page import page

__all__ = ["page"]
