"""The attacks, a file a kind. Each file has ``attacks(ground)``, which yields them."""
