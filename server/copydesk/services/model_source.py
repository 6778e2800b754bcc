"""Where a turn gets its model from, as the services see it. `models.selection` is the real one."""

from collections.abc import Callable
from typing import Protocol

from copydesk.domain.ports import Model

OnRetry = Callable[[int, float, str], None]
OnSwitch = Callable[[str, str], None]
Around = Callable[[Model], Model]


class ModelSource(Protocol):
    async def resolve(
        self,
        name: str | None = None,
        *,
        on_retry: OnRetry = ...,
        on_switch: OnSwitch = ...,
        around: Around = ...,
        local: bool = ...,
        session: str = ...,
        turn: str = ...,
    ) -> Model:
        """The model of that name, or the settings' when None. Raises an error that says what to do.

        `on_switch` is told when another model answers instead: its name, and why. `around` is put around each model
        that may answer, fallbacks too: the meter that counts and keeps within the budget. `local`: only a model on
        this machine is of use, so nobody else need be asked. `session`, `turn`: for whom, in the log of attempts.
        """
        ...
