"""The fast training loops: the hand derivation fused with the update, for the CPU's lanes and for the GPU."""
