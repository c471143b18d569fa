"""Attacks on every command: what may not be lost, overwritten, changed in silence or hung, attacked on purpose."""
