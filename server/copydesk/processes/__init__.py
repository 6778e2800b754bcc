"""The one place that spawns: environment, process group, limits, kill. Knows no models and no tools."""
