"""How many examples a property test plays: a quarter in the fast tier, all of them under SLOW=1."""

import os
from typing import Any

from hypothesis import settings

IS_SLOW = os.environ.get("SLOW") == "1"


def examples(n: int, **more: Any) -> settings:
    return settings(max_examples=n if IS_SLOW else max(n // 4, 25), **more)
