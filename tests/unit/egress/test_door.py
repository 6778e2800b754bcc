"""The outbound door: the offline switch, the ledger, redaction, proxies, verification, time limits."""

import hashlib
import ssl
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from copydesk.domain import errors
from copydesk.domain.secrets import Redacted
from copydesk.egress.door import Door, Limits
from copydesk.egress.hosts import host_of, is_loopback
from copydesk.egress.ledger import MAX_FILE_BYTES, Ledger, Sent
from copydesk.models.script import Script
from tests.support.model_server import Fault, ModelServer

HELLO = Script.parse("text: Hello\nloop")


async def post(door: Door, url: str, body: bytes = b"{}") -> tuple[int, bytes]:
    async with door.stream("POST", f"{url}/v1/chat/completions", {"x-a": "b"}, body) as response:
        return response.status, await response.read(1_000_000)


async def test_offline_touches_no_socket_but_this_machines() -> None:
    async with ModelServer(HELLO) as server, Door(offline=True) as door:
        with pytest.raises(errors.Offline, match=r"network\.offline is on.*'api\.example'"):
            await post(door, "https://api.example")
        assert door.ledger.entries == ()
        assert (await post(door, server.url))[0] == 200
        door.offline = False
        door.check("api.example")


async def test_the_ledger_says_what_left(tmp_path: Path) -> None:
    async with ModelServer(HELLO) as server, Door(ledger=Ledger(tmp_path)) as door:
        server.faults = [None, Fault("status", status=418), Fault("close")]
        await post(door, server.url, b"one")
        await post(door, server.url, b"two")
        with pytest.raises(errors.ConnectionLost):
            await post(door, server.url, b"three")
    kept = Ledger(tmp_path).read()
    what = "POST /v1/chat/completions"
    assert [(sent.host, sent.what, sent.n_bytes, sent.status) for sent in kept] == [
        ("127.0.0.1", what, 3, 200),
        ("127.0.0.1", what, 3, 418),
        ("127.0.0.1", what, 5, 0),
    ]
    assert kept[0].sha256 == hashlib.sha256(b"one").hexdigest()
    assert kept[0].when.endswith("Z")
    assert kept == door.ledger.entries
    assert stat.S_IMODE((tmp_path / "ledger.jsonl").stat().st_mode) == 0o600


async def test_the_ledger_is_bounded() -> None:
    door = Door()
    for n in range(3000):
        door.ledger.add(Sent("", "h", n, "", 200))
    assert len(door.ledger.entries) == 1000
    assert door.ledger.entries[-1].n_bytes == 2999


async def test_every_body_is_redacted_before_it_leaves() -> None:
    def redact(body: bytes) -> Redacted:
        return Redacted(body.replace(b"secret", b"***"), {"value": body.count(b"secret")})

    async with ModelServer(HELLO) as server, Door(redact=redact) as door:
        await post(door, server.url, b'{"a": "secret"}')
        assert server.requests[0].body == b'{"a": "***"}'
        assert server.requests[0].headers["content-length"] == "12"
        assert door.ledger.entries[0].n_bytes == 12
        assert door.ledger.entries[0].replaced == {"value": 1}


async def test_a_url_is_noted_without_its_query_and_user() -> None:
    async with ModelServer(HELLO) as server, Door() as door:
        url = server.url.replace("http://", "http://me:hunter2@")
        async with door.stream("POST", f"{url}/v1/chat/completions?key=hunter3", {}, b"{}"):
            pass
    assert "hunter" not in str(door.ledger.entries)


def test_the_ledger_goes_on_in_a_second_file_and_no_further(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    for n in range(30_000):
        ledger.add(Sent("2026-01-01T00:00:00.000Z", "host.example", n, "0" * 64, 200, "POST /v1/messages"))
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert all(size < MAX_FILE_BYTES + 1000 for size in sizes)
    assert Ledger(tmp_path).read(5)[-1].n_bytes == 29_999
    with (tmp_path / "ledger.jsonl").open("ab") as file:
        file.write(b'{"torn": ')
    assert Ledger(tmp_path).read(5)[-1].n_bytes == 29_999


def test_a_ledger_that_cannot_be_written_says_so_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ledger = Ledger(tmp_path / "file")
    ledger.add(Sent("", "h", 1, "", 200))
    assert "cannot be written" in ledger.problem
    assert len(ledger.entries) == 1


async def test_loopback_never_goes_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    async with ModelServer(HELLO) as server, Door() as door:
        assert (await post(door, server.url))[0] == 200


async def test_other_hosts_go_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ModelServer(HELLO) as proxy, Door() as door:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert (await post(door, "http://model.example"))[0] == 200
        assert proxy.requests[0].path == "http://model.example/v1/chat/completions"


async def test_https_is_verified() -> None:
    from copydesk.egress import transport

    routes = transport.Routes()
    secure = routes._pool(True, "")  # pyright: ignore[reportPrivateUsage]
    plain = routes._pool(False, "")  # pyright: ignore[reportPrivateUsage]
    contexts = [pool._pool._ssl_context for pool in (secure, plain)]  # pyright: ignore[reportPrivateUsage]
    assert [context.verify_mode for context in contexts if context] == [ssl.CERT_REQUIRED] * 2
    assert [bool(context.get_ca_certs()) for context in contexts if context] == [True, False]
    await routes.aclose()


async def test_time_limits() -> None:
    limits = Limits(connect_s=1, first_byte_s=0.1, between_bytes_s=0.1)
    async with ModelServer(Script.parse("delay: 5\ntext: a")) as server, Door(limits=limits) as door:
        began_s = time.monotonic()
        with pytest.raises(errors.ModelTimeout, match="stopped sending"):
            await post(door, server.url)
        server.faults = [Fault("stall", after=1)]
        with pytest.raises(errors.ModelTimeout, match="stopped sending"):
            await post(door, server.url)
        assert time.monotonic() - began_s < 2


async def test_the_wait_between_bytes_is_its_own_limit() -> None:
    limits = Limits(first_byte_s=5, between_bytes_s=0.1)
    async with ModelServer(HELLO) as server, Door(limits=limits) as door:
        server.faults = [Fault("stall", after=1)]
        began_s = time.monotonic()
        with pytest.raises(errors.ModelTimeout):
            await post(door, server.url)
        assert time.monotonic() - began_s < 2


@pytest.mark.parametrize("url", ["http://", "nonsense", "http://[", "ftp://h/x", "http://h:99999"])
async def test_urls_that_are_none(url: str) -> None:
    async with Door() as door:
        with pytest.raises(errors.BadRequest):
            await post(door, url)


async def test_a_closed_door_opens_again() -> None:
    async with ModelServer(HELLO) as server:
        door = Door()
        await post(door, server.url)
        await door.aclose()
        await post(door, server.url)
        await door.aclose()


def test_hosts() -> None:
    assert [is_loopback(host) for host in ("localhost", "LOCALHOST.", "a.localhost", "127.9.9.9", "::1", "[::1]")] == [
        True
    ] * 6
    assert [is_loopback(host) for host in ("", "localhost.evil.com", "127.0.0.1.evil.com", "0.0.0.0", "10.0.0.1")] == [
        False
    ] * 5
    assert (host_of("http://A.b:1/x"), host_of("http://u:p@h/"), host_of("x")) == ("a.b", "h", "")


def test_importing_the_door_imports_no_http_client() -> None:
    code = "import sys, copydesk.models.selection; print(sorted({'httpx', 'ssl', 'h11'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert done.stdout.strip() == "[]"
