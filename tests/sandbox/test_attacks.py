"""Every attack against every sandbox that can be had here, and each without a guard: there it has to succeed."""

import os
from pathlib import Path

import anyio
import pytest

from copydesk.domain.sandboxes import HOLDS, Hold
from tests.sandbox.attacks import ATTACKS, Attack
from tests.sandbox.boxes import BACKENDS, box_for
from tests.sandbox.ground import Ground, run, run_bare

pytestmark = pytest.mark.slow

_OF_GROUPS: frozenset[Hold] = frozenset({"memory", "cpu", "process_count"})
EXPECTED: dict[str, frozenset[Hold]] = {
    "bubblewrap": frozenset(HOLDS) - _OF_GROUPS,
    "landlock": frozenset(HOLDS) - _OF_GROUPS,
    "landlock alone": frozenset({"read_outside", "network", "local_sockets", "privileges"}),
    "container": frozenset(HOLDS),
}
"""What a backend must hold on the machines that test it; limits depend on who we are, and have their own tests."""

NO_BREACH = {("landlock alone", "share our network"): "it shares our network by name, and gets no socket in it"}


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_without_a_guard_the_attack_succeeds(attack: Attack, here: Ground) -> None:
    if attack.needs == "root" and os.geteuid() != 0:
        pytest.skip("only root can do this, guarded or not")
    ran = run_bare(here, [*attack.prefix, *attack.argv])
    assert ran.was_tried, ran
    assert attack.succeeded(here, ran), ran


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
@pytest.mark.parametrize("backend", BACKENDS)
async def test_an_attack_on_what_is_held_fails(backend: str, attack: Attack, here: Ground, state: Path) -> None:
    box = await box_for(backend, state)
    assert box.holds >= EXPECTED[backend]
    if attack.hold and attack.hold not in box.holds:
        pytest.skip(f"{backend} says that it does not hold {attack.hold}")
    if why := NO_BREACH.get((backend, attack.name)):
        pytest.skip(why)
    ran = await run(box, here, list(attack.argv))
    await anyio.sleep(0.1)
    assert ran.was_tried, ran
    assert not attack.succeeded(here, ran), ran
