"""The composition root: settings to objects to the lifetime task group. Decides nothing."""
