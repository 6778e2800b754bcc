"""The one outbound door: every byte that leaves the machine for a network host passes here.

Owns the only HTTP client (one pool, HTTP/1.1, kept alive), the offline switch, the redaction hook and the ledger.
Knows no models. Start with `Door.stream`. Raises only `ModelError` kinds, translated in `transport`.
"""

import contextlib
import hashlib
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio

from copydesk.domain import errors
from copydesk.domain.frozen import frozen
from copydesk.domain.secrets import Redacted
from copydesk.egress import library
from copydesk.egress.hosts import host_of, is_loopback
from copydesk.egress.ledger import Ledger, Sent

if TYPE_CHECKING:
    import httpx

DRAIN_LIMIT_BYTES = 64 * 1024
SENDING_S = 120.0
"""Most time for sending a request's body, whatever its size."""


@frozen
class Limits:
    """Waits, in seconds. `first_byte_s` is until the answer's headers, `between_bytes_s` each wait after that."""

    connect_s: float = 10.0
    first_byte_s: float = 120.0
    between_bytes_s: float = 120.0
    pool_s: float = 10.0


RedactBody = Callable[[bytes], Redacted]
"""A body as it may leave."""

BIG_BODY_BYTES = 64 * 1024
"""Larger ones are looked through in a thread."""


def _unchanged(body: bytes) -> Redacted:
    return Redacted(body)


class Response:
    """An answer whose body is still arriving. Header names are lower case."""

    def __init__(self, response: "httpx.Response", host: str) -> None:
        from copydesk.egress import transport

        self._transport = transport
        self._response = response
        self._host = host
        self._chunks = response.aiter_bytes()
        self.status = response.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        return self._response.headers

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    async def next_chunk(self) -> bytes | None:
        """The next bytes as they come, uncompressed; None at the end. Raises `ModelError`."""
        try:
            return await anext(self._chunks, None)
        except self._transport.FAILURES as exc:
            raise self._transport.translate(exc, self._host) from exc

    async def read(self, limit_bytes: int) -> bytes:
        """The rest of the body, cut at `limit_bytes`."""
        body = bytearray()
        while len(body) < limit_bytes and (chunk := await self.next_chunk()) is not None:
            body += chunk
        return bytes(body[:limit_bytes])

    async def drain(self, limit_s: float) -> None:
        """Reads what little follows the end marker, so that the connection can be used again.

        Gives up without an error: the connection is then closed when the response is.
        """
        with anyio.move_on_after(limit_s), contextlib.suppress(errors.ModelError):
            await self.read(DRAIN_LIMIT_BYTES)


class Door:
    """Sends requests. One for the process; made without touching the network, and safe to make before it is needed.

    `redact` sees every body before it leaves; headers are the caller's, and keys belong there. While `offline` is on
    only loopback hosts are reached.
    """

    def __init__(
        self,
        *,
        offline: bool = False,
        limits: Limits | None = None,
        redact: RedactBody = _unchanged,
        ledger: Ledger | None = None,
    ) -> None:
        self.offline = offline
        self.limits = limits or Limits()
        self.redact = redact
        self.ledger = ledger or Ledger()
        self._client: httpx.AsyncClient | None = None
        # Hosts that have answered: a connection to them that breaks before an answer may have been a stale one.
        self._answered: set[str] = set()

    @contextlib.asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        limits: Limits | None = None,
        what: str = "",
    ) -> AsyncGenerator[Response]:
        """Sends one request and gives its answer, whatever the status. Leaving the context ends the answer.

        Redirects are not followed: a 3xx is an answer like any other. `what` stands in the ledger in place of the
        path, for addresses whose path is itself a secret.
        """
        host = host_of(url)
        self.check(host)
        limits = limits or self.limits
        what = what or f"{method} {urlsplit(url).path}"
        response = await self._send(method, url, headers, await self._redacted(body), limits, what)
        try:
            # httpcore looks at the limit afresh when it begins to read the body.
            response.request.extensions["timeout"]["read"] = limits.between_bytes_s
            yield Response(response, host)
        finally:
            await response.aclose()

    async def _redacted(self, body: bytes) -> Redacted:
        if len(body) < BIG_BODY_BYTES:
            return self.redact(body)
        return await anyio.to_thread.run_sync(self.redact, body)

    def clean(self, text: str) -> str:
        """Words that came back, fit to be shown and kept: a host may repeat what it was sent, keys included."""
        return self.redact(text.encode("utf-8", "replace")).body.decode("utf-8", "replace")

    def check(self, host: str) -> None:
        """Raises `Offline` when the switch keeps the door closed for this host, `BadRequest` when there is none."""
        if not host:
            raise errors.BadRequest("The base URL names no host.", advice="It looks like http://127.0.0.1:11434/v1.")
        if self.offline and not is_loopback(host):
            raise errors.Offline(
                f"network.offline is on, so nothing is sent to {host!r}; only models on this machine are reached.",
                advice='Turn network.offline off, or set model.name to "offline" or to a local model.',
            )

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], redacted: Redacted, limits: Limits, what: str
    ) -> "httpx.Response":
        from copydesk.egress import transport

        host, status, client = host_of(url), 0, self._open()
        try:
            request = client.build_request(method, url, headers=headers, content=redacted.body)
            request.extensions["timeout"] = _timeouts(limits)
            with anyio.fail_after(limits.pool_s + limits.connect_s + SENDING_S + limits.first_byte_s):
                response = await client.send(request, stream=True)
            status = response.status_code
        except TimeoutError as exc:  # each single wait was short enough: the headers came by drops
            raise errors.ModelTimeout(
                f"{host!r} did not answer in time.", advice="Try again, or set another model.name."
            ) from exc
        except transport.FAILURES as exc:
            raise transport.translate(exc, host, reused=host in self._answered) from exc
        finally:
            self.note(host, what, redacted, status)
        self._answered.add(host)
        return response

    def note(self, host: str, what: str, redacted: Redacted, status: int) -> None:
        """Writes one request into the ledger."""
        when = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        digest = hashlib.sha256(redacted.body).hexdigest()
        self.ledger.add(Sent(when, host, len(redacted.body), digest, status, what, redacted.kinds))

    def _open(self) -> "httpx.AsyncClient":
        if self._client is None:
            library.load()
            import httpx

            from copydesk.egress import transport

            # Routes reads the proxies itself; netrc must never add a key that nobody meant for this host.
            self._client = httpx.AsyncClient(transport=transport.Routes(), trust_env=False)
        return self._client

    async def aclose(self) -> None:
        client, self._client = self._client, None
        self._answered.clear()
        if client is not None:
            await client.aclose()

    async def __aenter__(self) -> "Door":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def _timeouts(limits: Limits) -> dict[str, float]:
    """httpx's own form."""
    return {
        "connect": limits.connect_s,
        "read": limits.first_byte_s,
        "write": limits.between_bytes_s,
        "pool": limits.pool_s,
    }
