"""A study's report: its pictures as rows, and one page with tables, charts, and how to repeat the study to the bit.

``pictures(results, summary)`` draws nothing: a picture is a list of dicts, its title, its caption and the words for whoever does not
see it. ``draw.chart`` and ``paper.figure`` draw one; ``page.page`` needs Altair and Jinja.
"""

from bpnn_jax.ablation.report.panels import Panels
from bpnn_jax.ablation.report.pictures import Picture, pictures

__all__ = ["Panels", "Picture", "pictures"]
