"""Time the engines and other libraries, and write docs/benchmarks.md."""
