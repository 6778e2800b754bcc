"""Loading httpx without its command line, which would pull in rich and click where they happen to be installed.

That costs 40 ms of a cold run and is of no use here. httpx itself provides for the command line to be missing.
"""

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from types import ModuleType

_COMMAND_LINE = "httpx._main"
_LOOKED_FOR = "sniffio"
"""httpcore looks for it four times a request, along the whole import path where it is not installed."""


def load() -> None:
    """Imports httpx once. Afterwards a plain `import httpx` finds it loaded."""
    if "httpx" in sys.modules:
        return
    modules = cast("dict[str, ModuleType | None]", sys.modules)
    modules.setdefault(_COMMAND_LINE, None)
    try:
        import httpx  # noqa: F401  # pyright: ignore[reportUnusedImport]  imported for the effect
    finally:
        if modules.get(_COMMAND_LINE) is None:
            modules.pop(_COMMAND_LINE, None)
    if find_spec(_LOOKED_FOR) is None:
        modules[_LOOKED_FOR] = None  # found missing at once from now on
