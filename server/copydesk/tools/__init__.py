"""What the model can do: one file for each family of tools. Knows no loop and no model. Start with `registry`."""
