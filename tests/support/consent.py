"""What the person allowed, over a folder of a test: real grants and trust, asked through the given voice."""

from pathlib import Path

from copydesk.lsp.voice import Voice
from copydesk.services.permissions import Permissions
from copydesk.services.trust import Trust
from copydesk.store.grants import Grants
from copydesk.store.trust import TrustStore

ROOT = "file:///w"


def now() -> str:
    return "2026-01-01T00:00:00Z"


def roots() -> tuple[str, ...]:
    return (ROOT,)


def permissions(state: Path, voice: Voice, limit_s: float = 60) -> Permissions:
    say = voice.answers.message
    return Permissions(Grants(state / "grants", now), roots, lambda: limit_s, voice.permissions, say)


def trust(state: Path, voice: Voice) -> Trust:
    return Trust(TrustStore(state / "trust.json", now), voice.editor.ask, voice.answers.message)
