"""What providers' usage teaches: for each model a line, input = offset + slope × estimate, kept from run to run.

The line is fitted to all reports, the newer ones weighing more, around "the estimate is right". What cannot be true is
passed over: some servers report nothing, only what no cache served, or nonsense. Only numbers and models' names are
kept, in `<state>/tokens.json`. Start with `Calibration.learn`.
"""

import contextlib
import json
import math
import os
import tempfile
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Final, cast

NAME: Final = "tokens.json"
MAX_FILE_BYTES: Final = 256 * 1024
MAX_MODELS: Final = 200
DECAY: Final = 0.97
"""How much a report weighs once the next one has come."""
NOISE: Final = 0.06
"""How far reports scatter around the line, as a share."""
SLOPE_SPREAD: Final = 0.3
OFFSET_SPREAD: Final = 1_000.0
"""How far off the estimate is expected to be before anything is known: its share, and tokens of hidden words."""
SLOPES: Final = (0.25, 6.0)
FIRST: Final = (0.4, 5.0)
"""The shares of the estimate between which a first report is believed."""
LATER: Final = (0.6, 1.6)
"""The same, of what was expected, once there are some."""
NEVER: Final = (0.2, 12.0)
HIDDEN: Final = 4_000
"""A first report may be larger by so many tokens: words that a provider or an editor adds unseen."""
ALIKE: Final = 1.1
N_STRIKES: Final = 5
"""So many reports in a row that agree with each other and not with what was known are believed: it was wrong."""


@dataclass(slots=True)
class Line:
    """Sums over reports of r = input ÷ estimate and u = 1 ÷ estimate, and the newest ones that were not believed."""

    n: float = 0.0
    u: float = 0.0
    uu: float = 0.0
    r: float = 0.0
    ru: float = 0.0

    def add(self, estimate: float, tokens: int) -> None:
        u, r = 1 / estimate, tokens / estimate
        added = (1.0, u, u * u, r, r * u)
        self.n, self.u, self.uu, self.r, self.ru = (
            old * DECAY + new for old, new in zip(astuple(self), added, strict=True)
        )

    def offset_and_slope(self) -> tuple[float, float]:
        """The most likely ones, when reports scatter by NOISE and the truth by the two SPREADs around (0, 1)."""
        weight, on_slope, on_offset = NOISE**-2, SLOPE_SPREAD**-2, OFFSET_SPREAD**-2
        a, b, c = self.n * weight + on_slope, self.u * weight, self.uu * weight + on_offset
        p, q = self.r * weight + on_slope, self.ru * weight
        determinant = a * c - b * b
        slope, offset = (p * c - b * q) / determinant, (a * q - b * p) / determinant
        return offset, min(max(slope, SLOPES[0]), SLOPES[1])


class Calibration:
    """`folder` is the state directory; None keeps it in memory. The file is read when first needed."""

    def __init__(self, folder: Path | None) -> None:
        self._path = folder / NAME if folder else None
        self._lines: dict[str, Line] | None = None
        self._changed: set[str] = set()
        self._strikes: dict[str, list[float]] = {}

    @property
    def is_changed(self) -> bool:
        """Something was learned that is not in the file."""
        return bool(self._changed and self._path)

    def expected(self, model: str, estimate: float) -> float:
        """Tokens that an estimate of this model's stands for."""
        line = self._all().get(model)
        if line is None:
            return estimate
        offset, slope = line.offset_and_slope()
        return max(1.0, offset + slope * estimate)

    def slope(self, model: str) -> float:
        line = self._all().get(model)
        return line.offset_and_slope()[1] if line else 1.0

    def learn(self, model: str, estimate: float, tokens: int, *, least: float = 0.0) -> bool:
        """Takes a report, and says whether it was believed. `least`: it cannot be less than that."""
        if estimate < 1 or not NEVER[0] * estimate <= tokens <= NEVER[1] * estimate + HIDDEN:
            return False
        known = self._all().get(model)
        expected = self.expected(model, estimate)
        low, high = LATER if known else FIRST
        if not low * expected <= tokens <= high * expected + (0 if known else HIDDEN) or tokens < least:
            if not self._insists(model, tokens / estimate):
                return False
            known = None
        self._strikes.pop(model, None)
        line = known or Line()
        line.add(estimate, tokens)
        self._lines = {**{name: old for name, old in self._all().items() if name != model}, model: line}
        self._changed.add(model)
        return True

    def _insists(self, model: str, share: float) -> bool:
        """Whether this is the last of a row of reports that agree."""
        strikes = [*self._strikes.get(model, [])[1 - N_STRIKES :], share]
        self._strikes[model] = strikes
        return len(strikes) == N_STRIKES and max(strikes) <= min(strikes) * ALIKE

    def _all(self) -> dict[str, Line]:
        if self._lines is None:
            self._lines = dict(_read(self._path)) if self._path else {}
        return self._lines

    def write(self) -> None:
        """Puts what was learned into the file, beside what other servers put there. Blocks; never raises."""
        changed, self._changed = self._changed, set[str]()
        if not self._path or not changed:
            return
        lines = self._all()
        merged = {name: line for name, line in _read(self._path) if name not in changed}
        merged |= {name: lines[name] for name in changed if name in lines}
        kept = dict(list(merged.items())[-MAX_MODELS:])
        rows = {name: [float(f"{value:.6g}") for value in astuple(line)] for name, line in kept.items()}
        with contextlib.suppress(OSError):
            _replace(self._path, json.dumps({"version": 1, "models": rows}, indent=1).encode())


def _read(path: Path) -> Iterator[tuple[str, Line]]:
    """What can be used of the file; a damaged one teaches nothing."""
    try:
        with path.open("rb") as file:
            data: Any = json.loads(file.read(MAX_FILE_BYTES))
    except (OSError, ValueError, RecursionError):
        return
    rows = cast("Any", data).get("models") if isinstance(data, dict) else None
    for name, row in cast("dict[str, Any]", rows if isinstance(rows, dict) else {}).items():
        line = _line(row)
        if line is not None:
            yield name, line


def _line(row: Any) -> Line | None:
    if not isinstance(row, list):
        return None
    values = cast("list[Any]", row)
    if len(values) != 5 or not all(isinstance(each, int | float) and math.isfinite(each) for each in values):
        return None
    n, u, uu, r, ru = map(float, values)
    fits = 0 < n <= 1 / (1 - DECAY) + 1 and NEVER[0] <= r / n <= NEVER[1] and 0 <= u <= n and 0 <= uu <= n and ru >= 0
    return Line(n, u, uu, r, ru) if fits else None


def _replace(path: Path, data: bytes) -> None:
    """All of it or nothing, readable by this user only."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.replace(name, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
