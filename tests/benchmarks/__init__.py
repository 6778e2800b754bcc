"""What Copydesk costs, side by side with its peers in one run. Start with `__main__`; see docs/BENCHMARKS.md."""
