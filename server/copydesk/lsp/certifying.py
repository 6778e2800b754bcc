"""`copydesk.models` with `{check}`: the certification of a model, with its progress, and its report as a document.

Owns what an editor is shown of it; what is tried comes in as `certify`. Start with `Certifying.run`.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from copydesk.domain.errors import CopydeskError

if TYPE_CHECKING:
    from copydesk.lsp.answers import Answers
    from copydesk.lsp.client import Client

JsonObject: TypeAlias = dict[str, Any]
DOCUMENT = "models/check.md"
TOKEN = "copydesk/check"
N_CHECKS = 6
MARKS = {True: "✓", False: "✗", None: "·"}


class Tried(Protocol):
    """What is needed of `services.certifying.Check`."""

    @property
    def title(self) -> str: ...
    @property
    def ok(self) -> bool | None: ...


Certify: TypeAlias = Callable[[str | None, Callable[[Tried], None]], Awaitable[JsonObject]]
"""The name (None: the model of a turn) and who is told of each check; gives the certificate as JSON."""


class Certifying:
    def __init__(self, client: "Client", answers: "Answers", certify: Certify) -> None:
        self._client = client
        self._answers = answers
        self._certify = certify

    async def run(self, name: str | None) -> JsonObject:
        """Shows each check as it is known, opens the report, and gives the certificate."""
        shown = await self._client.create_progress(TOKEN)
        n_done = 0

        def tell(check: Tried) -> None:
            nonlocal n_done
            n_done += 1
            self._say(shown, "report", message=f"{MARKS[check.ok]} {check.title}", percentage=99 * n_done // N_CHECKS)

        self._say(shown, "begin", title=f"Copydesk: Check {name or 'the model'}", message="asking it", percentage=0)
        closing = "stopped"
        try:
            certificate = await self._certify(name, tell)
            closing = certificate["verdict"]
        except CopydeskError as error:
            closing = f"failed: {error.message}"
            raise
        finally:
            self._say(shown, "end", message=closing)
        certificate["document"] = await self._answers.open(DOCUMENT, report_text(certificate))
        return certificate

    def _say(self, shown: bool, kind: str, **value: Any) -> None:
        if shown:
            self._client.notify("$/progress", {"token": TOKEN, "value": {"kind": kind, **value}})


def report_text(certificate: JsonObject) -> str:
    """The report as Markdown. What the model said stands in code spans: it is not ours."""
    lines = [f"# {_code(certificate['model'])}", "", certificate["verdict"], ""]
    for check in certificate["checks"]:
        lines.append(f"- {MARKS[check['ok']]} **{check['title']}**: {_code(check['text'])}")
        if check["advice"] and not check["ok"]:
            lines.append(f"  {check['advice']}")
    return "\n".join([*lines, ""])


def _code(text: str) -> str:
    return f"`{' '.join(text.split()).replace('`', chr(39))}`"
