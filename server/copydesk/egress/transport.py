"""How the door reaches a host: plain, verified or through a proxy. Also the table from httpx's errors to ours.

The only modules that import httpx are this and `door`, and only once a request is made (it costs 60 ms).
A plain-http connection gets an empty SSL context, so that the CA bundle is not loaded for a loopback model;
verification is never switched off: an https host always gets a verifying context.
"""

import errno
import os
import ssl
from urllib.request import getproxies, proxy_bypass

from copydesk.egress import library

library.load()  # here, because this module is imported before the door opens its client
import httpx  # noqa: E402

from copydesk.domain import errors  # noqa: E402
from copydesk.egress.failures import NoConnection, NoConnectionInTime, NothingListens, StaleConnection  # noqa: E402
from copydesk.egress.hosts import is_loopback  # noqa: E402

MAX_CONNECTIONS = 20
KEEPALIVE_S = 90.0


FAILURES = (httpx.HTTPError, httpx.InvalidURL, OSError)


class Routes(httpx.AsyncBaseTransport):
    """Picks the pool for each request. Loopback is never sent through a proxy."""

    def __init__(self) -> None:
        self._limits = httpx.Limits(
            max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS, keepalive_expiry=KEEPALIVE_S
        )
        self._pools: dict[tuple[bool, str], httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        secure = request.url.scheme == "https"
        return await self._pool(secure, proxy_for(request.url.scheme, request.url.host)).handle_async_request(request)

    def _pool(self, secure: bool, proxy: str) -> httpx.AsyncHTTPTransport:
        pool = self._pools.get((secure, proxy))
        if pool is None:
            # A proxy may itself be https, so it needs a context that can verify.
            context = httpx.create_ssl_context() if secure or proxy else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            pool = httpx.AsyncHTTPTransport(
                verify=context, trust_env=False, limits=self._limits, proxy=httpx.Proxy(proxy) if proxy else None
            )
            self._pools[secure, proxy] = pool
        return pool

    async def aclose(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()
        self._pools.clear()


def proxy_for(scheme: str, host: str) -> str:
    """The proxy that the environment names for a host; empty for none, and always for loopback."""
    if is_loopback(host):
        return ""
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all") or ""
    if not proxy or proxy_bypass(host):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def translate(error: Exception, host: str, *, reused: bool = False) -> errors.ModelError:
    """Our error for one of httpx's. `reused`: it came before an answer, on a host that had answered before."""
    match error:
        case httpx.ConnectTimeout():
            return NoConnectionInTime(f"{host!r} did not accept a connection in time.", advice=_NETWORK)
        case httpx.PoolTimeout():
            return NoConnectionInTime(f"All connections to {host!r} stayed busy.", advice="Cancel a running turn.")
        case httpx.TimeoutException():
            return errors.ModelTimeout(f"{host!r} stopped sending.", advice="Try again, or set another model.name.")
        case httpx.ConnectError():
            return _unreachable(error, host)
        case httpx.DecodingError():
            return errors.BadStream(f"{host!r} sent compressed bytes that cannot be read: {error}.", advice=_BASE_URL)
        case httpx.InvalidURL() | httpx.UnsupportedProtocol() | httpx.LocalProtocolError():
            return errors.BadRequest(f"The request to {host!r} cannot be made: {error}.", advice=_BASE_URL)
        case httpx.RemoteProtocolError() if "location header" in str(error):  # httpx reads it, though nobody follows
            return _nowhere(host)
        case _:
            kind = StaleConnection if reused else errors.ConnectionLost
            return kind(f"The connection to {host!r} broke: {_reason(error)}.", advice=_NETWORK)


_NETWORK = "Check the network, then try again."
_BASE_URL = "Check model.baseUrl or the provider's …_BASE_URL variable."


def _nowhere(host: str) -> errors.BadRequest:
    error = errors.BadRequest(f"{host!r} answered with a redirect to an address that is none.", advice=_BASE_URL)
    error.another_may = True
    return error


def _unreachable(error: httpx.ConnectError, host: str) -> errors.ConnectionLost:
    if is_loopback(host) and _refused(error):
        advice = "Start the model server, or correct its base URL."
        return NothingListens(f"Nothing listens at {_address(error)}: the connection was refused.", advice=advice)
    return NoConnection(f"No connection to {host!r}: {_reason(error)}.", advice=_NETWORK)


def _address(error: httpx.ConnectError) -> str:
    url = error.request.url
    return repr(f"{url.host}:{url.port or (443 if url.scheme == 'https' else 80)}")


def _refused(error: BaseException | None) -> bool:
    """Several addresses of one name are tried; each failure hangs on the chain or in a group."""
    while error is not None:
        if isinstance(error, ConnectionRefusedError) or getattr(error, "errno", None) == errno.ECONNREFUSED:
            return True
        if isinstance(error, BaseExceptionGroup):
            return all(_refused(inner) for inner in error.exceptions)  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType, reportUnknownArgumentType]  # a group's parameter is lost by isinstance
        error = error.__cause__ or error.__context__
    return False


def _reason(error: BaseException) -> str:
    return str(error).strip().rstrip(".") or os.strerror(errno.ECONNRESET)
