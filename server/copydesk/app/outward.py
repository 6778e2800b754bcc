"""What leaves this machine and what must not, composed: the secrets, the ledger, the door, the editor's models,
and what is noted of the tries of models.

Decides nothing. Start with `Outward`.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from copydesk.app.configuration import Configuration
from copydesk.app.counting import Counting
from copydesk.config.settings import Settings
from copydesk.domain.ports import EditorModels
from copydesk.egress.door import Door
from copydesk.egress.editor_models import GuardedEditorModels
from copydesk.egress.ledger import Ledger
from copydesk.models.webhook import Webhook
from copydesk.safety.secrets.key import load_key
from copydesk.services.judging import Judging
from copydesk.services.secrecy import Secrecy
from copydesk.store.attempts import AttemptFile
from copydesk.workspace.workspace import Workspace

if TYPE_CHECKING:
    from copydesk.models.watching import Watching


class Outward:
    """`judging` knows which files the person's rules keep tools away from."""

    def __init__(
        self,
        workspace: Workspace,
        state: Path,
        editor_models: EditorModels | None,
        judging: Judging,
    ) -> None:
        self.secrecy = Secrecy(workspace, lambda: load_key(state), judging.denies_reading, judging.deny_rules)
        self.secrets, self.hidden = self.secrecy.secrets, self.secrecy.hidden
        judging.redact = self.secrets.redact
        self.ledger = Ledger(state)
        self.door = Door(redact=self.secrets.redact_body, ledger=self.ledger)
        self.attempts = AttemptFile(state)
        self.webhook = Webhook(self.door)
        self.counting = Counting(state)
        self.editor_models = (
            GuardedEditorModels(editor_models, self.secrets.redact_value, self.door) if editor_models else None
        )

    def watching(self, configuration: Configuration) -> "Watching":
        """What sees every try of a model; the webhook is where the settings say, from now on."""
        from copydesk.models.watching import Watching

        def take(settings: Settings) -> None:
            self.webhook.url = settings.text("model.webhookUrl")
            self.webhook.after = settings.integer("model.webhookAfter")

        take(configuration.settings)
        configuration.changed.append(take)
        return Watching(self.attempts, self.webhook)

    async def aclose(self) -> None:
        """Sends and writes what is due, then closes the door."""
        await self.webhook.aclose()
        self.attempts.flush()
        await self.door.aclose()
        await self.counting.aclose()
