"""Copydesk: a coding agent that lives behind the Language Server Protocol.

Start reading in `docs/ARCHITECTURE.md`, then `app` (who is given what) and `agent.loop` (what a turn does).
"""

__version__ = "0.1.0"
