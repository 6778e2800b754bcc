"""Short questions to model servers: which models do you have? Used to choose and to list, never to generate.

Start with `ask`. A server that does not answer in time is simply not there.
"""

import json
from typing import cast

import anyio

from copydesk.domain.errors import ModelError
from copydesk.domain.frozen import frozen
from copydesk.egress.door import Door
from copydesk.egress.hosts import host_of, is_loopback, listens
from copydesk.models.remote import Endpoint

LOCAL_LIMIT_S = 0.3
REMOTE_LIMIT_S = 3.0
ANSWER_LIMIT_BYTES = 4 * 1024 * 1024


@frozen
class Served:
    """The models of one server, in its own order; `why` says how that is known or what is wrong."""

    names: tuple[str, ...]
    why: str

    @property
    def best(self) -> str | None:
        """The first that can hold a conversation."""
        return next((name for name in self.names if "embed" not in name.lower()), None)


async def ask(door: Door, endpoint: Endpoint) -> Served:
    """The models that a server lists. Never raises for a server that is missing, slow or strange."""
    ollama = endpoint.provider.name == "ollama"
    url = endpoint.base_url.removesuffix("/v1") + "/api/tags" if ollama else endpoint.base_url + "/models"
    local = is_loopback(host_of(url))
    limit_s = LOCAL_LIMIT_S if local else REMOTE_LIMIT_S
    if local and not await listens(url, limit_s):
        return Served((), f"Nothing listens at {endpoint.base_url}. Is the server started?")
    from copydesk.egress import transport  # what it costs to import must not count

    del transport
    try:
        with anyio.fail_after(limit_s):
            async with door.stream("GET", url, endpoint.headers()) as response:
                body = await response.read(ANSWER_LIMIT_BYTES)
    except TimeoutError:
        return Served((), f"{endpoint.base_url} did not answer within {limit_s:g} s.")
    except ModelError as exc:
        return Served((), str(exc))
    if response.status != 200:
        return Served((), f"{url} answered with status {response.status}.")
    rows = ("models", "name") if ollama or endpoint.provider.wire == "gemini" else ("data", "id")
    names = tuple(name.removeprefix("models/") for name in _names(body, *rows))
    return Served(names, f"Served at {endpoint.base_url}." if names else f"{endpoint.base_url} has no models.")


def _names(body: bytes, table: str, field: str) -> list[str]:
    try:
        answer: object = json.loads(body)
    except ValueError:
        return []
    rows = cast(dict[str, object], answer).get(table) if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        return []
    found = [cast(dict[str, object], row).get(field) for row in cast(list[object], rows) if isinstance(row, dict)]
    return [name for name in found if isinstance(name, str) and name]
