"""The shadow: the text of a view, materialised where a command runs, and what the command changed, read back.

Owns views made into folders (`puts`, `layers`, `copies`), what is kept between commands (`caches`, `times`), and the
harvest. Knows no sandbox by name, no session and no editor. Start with `runner.ShadowRunner`.
"""
