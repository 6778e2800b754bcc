"""Command lines with the level they must be given, and why. One file for each kind; `test_corpus_commands` reads them."""
