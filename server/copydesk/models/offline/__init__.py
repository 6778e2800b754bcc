"""The built-in model that needs no key and no network: a planner that does modest, real work through the tools.

Pure: it sees only what tools return, and answers each request from the history alone. Start with `model`, then
`jobs`, which says what there is.
"""

from copydesk.models.offline.model import OfflineModel

__all__ = ["OfflineModel"]
