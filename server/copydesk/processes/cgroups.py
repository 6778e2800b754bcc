"""Limits of a whole process tree by control groups, where they can be had. Start with `attempt`."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import field

from copydesk.domain.frozen import frozen
from copydesk.domain.sandboxes import Hold
from copydesk.processes.confinement import Limits


@frozen
class Group:
    """What a launch does to be in one: programs to go through, and files that each process writes itself into."""

    prefix: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str])


@frozen
class Cgroups:
    holds: frozenset[Hold] = frozenset()

    @asynccontextmanager
    async def group(self, limits: Limits) -> AsyncGenerator[Group]:
        yield Group()


async def attempt() -> Cgroups:
    return Cgroups()
