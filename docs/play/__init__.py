"""The page on which one steps through the derivation and plays with networks: its sources, and what makes one file of them."""
