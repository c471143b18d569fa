"""The parts of the kill study: wrong gradients, right rules, and the other checkers."""
