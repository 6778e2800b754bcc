"""The child process that holds jedi: slow, stalling, memory-hungry, and so not in the server. Start with `__main__`.

Runs only in its own process, where changing jedi's ways of reading is nobody else's business.
"""
