"""The benchmarks of pulls, one scenario a module. `python -m bench.pull` runs them."""
