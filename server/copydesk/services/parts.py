"""What every session of a host is made with. Data: `app.compose` fills it in, `services.session` reads it."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from anyio.lowlevel import checkpoint

from copydesk.agent.journal import Tools
from copydesk.config.settings import Settings
from copydesk.domain.messages import Problem
from copydesk.domain.permissions import Mode
from copydesk.domain.ports import Approver, Editor
from copydesk.domain.secrets import NoSecrets, Secrets
from copydesk.domain.shadows import Shadow
from copydesk.domain.tools import ToolSpec
from copydesk.services.landed import OnLanded
from copydesk.services.landing import LandingLimits
from copydesk.services.metering import Meter
from copydesk.services.model_notes import ModelNotes
from copydesk.services.model_source import ModelSource
from copydesk.services.review import Reviewed, Reviews
from copydesk.services.side_files import SideFiles
from copydesk.services.verify import Verifies
from copydesk.workspace.workspace import Workspace


async def _nothing_to_learn(name: str) -> None:
    del name


Validate = Callable[[ToolSpec, object], dict[str, Any]]


@dataclass(slots=True)
class SessionParts:
    """What every session of a host shares. `mode` and `model` are asked at each turn's start."""

    workspace: Workspace
    models: ModelSource
    tools: Tools
    validate: Validate
    editor: Editor
    approver: Callable[[Callable[[], Mode], str], Approver]
    settings: Callable[[], Settings]
    now: Callable[[], str]
    mode: Callable[[], Mode] = lambda: "ask"
    model_name: Callable[[], str | None] = lambda: None
    problems: Callable[[str | None], tuple[Problem, ...]] = lambda uri: ()
    version: str = ""
    offers: bool = True
    """False: edits stay pending after a turn (the command line shows them as a diff)."""
    landed: OnLanded = lambda landed: None
    reviews: Reviews | None = None
    secrets: Secrets = field(default_factory=NoSecrets)
    before_turn: Callable[[], Awaitable[None]] = checkpoint
    """What has to be known anew before anything of a turn is told."""
    confined: Callable[[], Awaitable[None]] = checkpoint
    """What has to be known before a command is judged."""
    kept: Callable[[Reviewed], None] = lambda session: None
    """Called when what waits for review has changed."""
    landing_limits: LandingLimits = field(default_factory=LandingLimits)
    sides: SideFiles | None = None
    shadow: Shadow | None = None
    no_shell: str = "this server has no shadow to run it in."
    """Why no command runs where there is no `shadow`."""
    start: Callable[[Callable[[], Coroutine[Any, Any, None]]], None] = lambda work: None
    """Runs something beside the turns, in the host's task group."""
    verifier: Verifies | None = None
    meter: Meter = field(default_factory=Meter)
    """What requests cost, and the caps."""
    model_notes: ModelNotes = field(default_factory=ModelNotes)
    learn: Callable[[str], Awaitable[object]] = _nothing_to_learn
    """Has a model's server asked what it can do, within its limit."""
