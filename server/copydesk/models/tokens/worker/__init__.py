"""The process in which tiktoken lives: it is told a table's file and texts, and answers counts. It reaches no network.

Imported by nothing of the server. Start with `__main__`.
"""
