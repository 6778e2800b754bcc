"""What a host name says about where bytes go. Pure; resolves nothing."""

from ipaddress import ip_address
from urllib.parse import urlsplit


def host_of(url: str) -> str:
    """The lower-case host of a URL; empty when it has none, or a port that is none."""
    try:
        parts = urlsplit(url)
        _ = parts.port
        return (parts.hostname or "").lower()
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its name or number alone."""
    name = host.lower().strip("[]").rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


async def listens(url: str, limit_s: float) -> bool:
    """Whether anything accepts connections at a loopback URL. Spares the HTTP client when nobody is there."""
    import anyio

    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with anyio.fail_after(limit_s):
            stream = await anyio.connect_tcp(parts.hostname or "", port)
    except (OSError, TimeoutError):
        return False
    await stream.aclose()
    return True
