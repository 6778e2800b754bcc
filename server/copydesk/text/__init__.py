"""Pure text algebra: lines, positions, documents, edits, diffs, encodings. No I/O, no async. Start with `edits`."""
