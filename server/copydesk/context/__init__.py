"""What the model sees: system prompt, instructions, task messages. Knows no tools and no loop."""
