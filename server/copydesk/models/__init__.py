"""Provider wires: messages to bytes, bytes to stream events. Knows no agent and no files. Start with `selection`."""
