"""Ablation studies: what a choice in a network or its training changes, over many seeds."""
