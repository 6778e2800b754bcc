"""Shared fixtures: one async backend, slow tests only when asked for, and no network but this machine's."""

import ipaddress
import os
import sys
from typing import Any

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("SLOW") == "1":
        return
    skip = pytest.mark.skip(reason="slow: run with SLOW=1")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)


def _is_here(host: object) -> bool:
    """Whether an address, or a name that is looked up, is this machine."""
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if not isinstance(name, str) or name in ("", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _deny_network(event: str, given: tuple[Any, ...]) -> None:
    """A test that needs the internet fails, also where there is one: as if the network were down."""
    if event == "socket.connect":
        to = given[1]
        host = to[0] if isinstance(to, tuple) else ""  # others are sockets in the file system
    elif event == "socket.getaddrinfo":
        host = given[0]
    else:
        return
    if not _is_here(host):
        raise OSError(f"tests have no network but loopback, and {host!r} is elsewhere")


sys.addaudithook(_deny_network)
