"""What every room needs of the machine: cores, files, the compile cache, XLA's options. Each is written once."""
