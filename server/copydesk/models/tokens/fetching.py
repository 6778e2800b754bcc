"""Bringing tiktoken's tables here because a person asked for it: through the door, checked, or not at all.

Owns the download and the file's place. Knows no models. Start with `fetch`.
"""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import AsyncGenerator, Iterable
from pathlib import Path
from typing import Final

import anyio

from copydesk.domain.errors import CopydeskError, ModelError, Offline
from copydesk.domain.frozen import frozen
from copydesk.egress.door import Door, Limits
from copydesk.egress.hosts import host_of
from copydesk.models.tokens.tables import BASE_URL, TABLES, Table

LIMIT_S: Final = 300.0
"""For one table."""
LIMITS: Final = Limits(connect_s=15.0, first_byte_s=60.0, between_bytes_s=60.0)
HEADERS: Final = {"user-agent": "copydesk", "accept": "*/*", "accept-encoding": "identity"}
ADVICE: Final = "Nothing was kept; estimates go on to serve. Try again later."


@frozen
class Fetched:
    """A table that is there now. `was_there`: it already was, and nothing was sent."""

    name: str
    path: Path
    n_bytes: int
    was_there: bool = False


async def fetch(
    door: Door, folder: Path, *, base_url: str = BASE_URL, tables: Iterable[Table] = TABLES
) -> AsyncGenerator[Fetched]:
    """Puts each table into `folder`, one after another. Raises `CopydeskError` that says what to do."""
    for table in tables:
        path = folder / table.file_name
        if await anyio.to_thread.run_sync(_is_right, path, table):
            yield Fetched(table.name, path, table.n_bytes, was_there=True)
            continue
        data = await _downloaded(door, base_url.rstrip("/") + table.path, table)
        await anyio.to_thread.run_sync(_keep, path, data)
        yield Fetched(table.name, path, len(data))


async def _downloaded(door: Door, url: str, table: Table) -> bytes:
    host = host_of(url)
    try:
        with anyio.fail_after(LIMIT_S):
            async with door.stream("GET", url, HEADERS, limits=LIMITS) as response:
                if response.status != 200:
                    raise CopydeskError(
                        f"{host} answered {response.status} for {table.name}'s table at {url}.", advice=ADVICE
                    )
                data = await response.read(table.n_bytes + 1)
    except Offline as error:
        raise CopydeskError(
            f"network.offline is on, so {table.name}'s table is not fetched from {host}.",
            advice="Turn network.offline off, or put the table into the folder that TIKTOKEN_CACHE_DIR names.",
        ) from error
    except TimeoutError as error:
        raise CopydeskError(f"{host} did not send {table.name}'s table within {LIMIT_S:g} s.", advice=ADVICE) from error
    except ModelError as error:
        raise CopydeskError(f"{table.name}'s table could not be fetched: {error.message}", advice=ADVICE) from error
    _check(data, table, host)
    return data


def _check(data: bytes, table: Table, host: str) -> None:
    if len(data) > table.n_bytes:
        raise CopydeskError(f"What {host} sent for {table.name} is larger than its table is.", advice=ADVICE)
    if hashlib.sha256(data).hexdigest() != table.sha256:
        raise CopydeskError(
            f"What {host} sent for {table.name} is not its table: {len(data):,} bytes, another sha256 than is known.",
            advice=ADVICE,
        )


def _is_right(path: Path, table: Table) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == table.sha256
    except OSError:
        return False


def _keep(path: Path, data: bytes) -> None:
    """The whole file or nothing."""
    name = ""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".fetching-", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.replace(name, path)
    except OSError as error:
        if name:
            with contextlib.suppress(OSError):
                os.unlink(name)
        raise CopydeskError(
            f"{path} cannot be written: {error.strerror}.",
            advice="Make room or rights there, or set COPYDESK_DATA_DIR.",
        ) from error
