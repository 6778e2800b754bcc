"""Waits between a model's tries that take no time, kept to be looked at. Knows no model. Start with `Slept`."""


class Slept:
    """Waits that take no time, and what was told about them."""

    def __init__(self) -> None:
        self.delays_s: list[float] = []
        self.told: list[tuple[int, float, str]] = []

    async def sleep(self, delay_s: float) -> None:
        self.delays_s.append(delay_s)

    def heard(self, attempt: int, delay_s: float, why: str) -> None:
        self.told.append((attempt, delay_s, why))
