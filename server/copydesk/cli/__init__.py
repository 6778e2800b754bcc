"""The command-line face over the same services. Start with `run`."""
