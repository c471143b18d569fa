"""The GPU kernel: thousands of small networks trained by one kernel, from the first epoch to the last."""
