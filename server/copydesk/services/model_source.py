"""Where a turn gets its model from, as the services see it. `models.selection` is the real one."""

from collections.abc import Callable
from typing import Protocol

from copydesk.domain.ports import Model

OnRetry = Callable[[int, float, str], None]


class ModelSource(Protocol):
    async def resolve(self, name: str | None = None, *, on_retry: OnRetry = ..., local: bool = ...) -> Model:
        """The model of that name, or the settings' when None. Raises an error that says what to do.

        `local`: only one on this machine is of use, so nobody else need be asked.
        """
        ...
