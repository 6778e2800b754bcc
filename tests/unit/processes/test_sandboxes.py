"""Which sandbox is taken, and what is said where none can be had."""

from pathlib import Path

import pytest

from copydesk.domain.sandboxes import HOLDS, SandboxReport
from copydesk.processes import bubblewrap, container, landlock, sandboxes
from copydesk.processes.limited import LimitedSandbox
from copydesk.processes.sandboxes import choose, describe


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandboxes, "_tried", {})
    monkeypatch.setattr(sandboxes, "_lock", None)


def _missing(monkeypatch: pytest.MonkeyPatch, module: object, why: str, calls: list[str] | None = None) -> None:
    async def attempt(state: str, image: str | None = None) -> str:
        if calls is not None:
            calls.append(why)
        return why

    monkeypatch.setattr(module, "attempt", attempt)


async def test_auto_goes_on_to_the_next_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _missing(monkeypatch, container, "no engine.")
    _missing(monkeypatch, bubblewrap, "it is not installed.")
    _missing(monkeypatch, landlock, "the kernel is too old.")
    chosen = await choose("auto", image="x:1", state=tmp_path / "state")
    assert isinstance(chosen.sandbox, LimitedSandbox)
    assert chosen.report.backend == "process"
    assert not chosen.report.is_working
    assert chosen.report.why == (
        "Not container: no engine. Not bubblewrap: it is not installed. Not landlock: the kernel is too old."
    )


async def test_a_container_is_tried_only_where_one_is_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    _missing(monkeypatch, container, "container", calls)
    _missing(monkeypatch, bubblewrap, "bubblewrap", calls)
    _missing(monkeypatch, landlock, "landlock", calls)
    await choose("auto", image=None, state=tmp_path / "state")
    assert calls == ["bubblewrap", "landlock"]
    await choose("auto", image="x:1", state=tmp_path / "state")
    assert calls == ["bubblewrap", "landlock", "container"], "what was tried is not tried again"


@pytest.mark.parametrize(("name", "module"), [("bubblewrap", bubblewrap), ("landlock", landlock)])
async def test_what_is_named_and_cannot_be_had_is_a_refusal(
    name: str, module: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _missing(monkeypatch, module, "AppArmor forbids it.")
    chosen = await choose(name, image=None, state=tmp_path / "state")
    assert chosen.sandbox is None
    assert chosen.report.backend == name
    assert "AppArmor forbids it." in chosen.report.refused
    assert not chosen.report.is_working


async def test_off_runs_unconfined_and_promises_nothing(tmp_path: Path) -> None:
    chosen = await choose("off", image=None, state=tmp_path / "state")
    assert (chosen.report.backend, chosen.report.holds) == ("off", frozenset())
    assert isinstance(chosen.sandbox, LimitedSandbox)


async def test_a_program_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap, "_ENV", {"PATH": str(tmp_path)})
    found = await bubblewrap.attempt(str(tmp_path))
    assert isinstance(found, str)
    assert "bubblewrap is not installed" in found


def test_a_report_in_one_line() -> None:
    assert describe(SandboxReport("bubblewrap", holds=frozenset(HOLDS))) == "bubblewrap; holds everything"
    lacking = SandboxReport("bubblewrap", holds=frozenset(HOLDS) - {"cpu", "memory"})
    assert describe(lacking) == "bubblewrap; does not hold: memory, CPU"
    assert describe(SandboxReport("landlock", refused="No.")) == "No."
