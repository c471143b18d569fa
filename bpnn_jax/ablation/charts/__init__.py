"""What came out of a study, as pictures: rows first, then the same rows drawn by Altair for a page and by Matplotlib for a paper.

``pictures(results, summary)`` needs neither of the two: a picture is a list of dicts, its title, its caption and the words for whoever
does not see it. ``vega.chart`` and ``paper.figure`` draw one.
"""

from bpnn_jax.ablation.charts._panels import Panels
from bpnn_jax.ablation.charts._pictures import Picture, pictures, ranking

__all__ = ["Panels", "Picture", "pictures", "ranking"]
