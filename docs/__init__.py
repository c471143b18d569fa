"""What of the documentation is made by a program: ``python -m docs --write`` makes it again, and a test compares."""
