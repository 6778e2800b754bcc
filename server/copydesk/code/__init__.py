"""Symbols, definitions, references and problems over any FileSource. Start with `intel`."""
