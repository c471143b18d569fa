"""A study's report: its charts as rows, and one page with tables, charts, and how to repeat the study to the bit.

``pictures(results, summary)`` draws nothing: a `Picture` is a list of dicts with its title, its caption and a description for readers
who do not see it. ``draw.chart`` draws one with Altair, ``paper.pdf`` all of them for a paper, and ``page.page`` is the page.
"""

from bpnn_jax.ablation.report.pictures import Picture, pictures
from bpnn_jax.ablation.report.rows import Panels

__all__ = ["Panels", "Picture", "pictures"]
