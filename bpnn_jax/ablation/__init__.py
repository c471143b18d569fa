"""Ablation studies: what a choice in a network or its training changes, over many seeds.

>>> from bpnn_jax import ablation
>>> study = ablation.Study("xor", vary={"activation": ("sigmoid", "tanh")}, seeds=1000, epochs=2000)
>>> [arm.name for arm in study.arms]
['activation=sigmoid', 'activation=tanh']

``ablation.run(study, folder)`` trains what the folder does not have yet; docs/studies.md is the page about it.
"""

from bpnn_jax._runtime import lazy

__getattr__, __dir__, __all__ = lazy.attach(__name__, __file__)
