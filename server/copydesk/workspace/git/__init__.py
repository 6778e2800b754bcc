"""git as the tools use it: run without the repository's own programs, and read with the buffers laid over the disk.

Knows no tool and no permission. Start with `running.Git`, then `reading`.
"""
