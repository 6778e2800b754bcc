"""A corpus of edit-tool calls: data files, and the test that makes every call."""
