"""What leaves this machine and what must not, composed: the secrets, the ledger, the door, the editor's models.

Decides nothing. Start with `Outward`.
"""

from pathlib import Path

from copydesk.app.counting import Counting
from copydesk.domain.ports import EditorModels
from copydesk.egress.door import Door
from copydesk.egress.editor_models import GuardedEditorModels
from copydesk.egress.ledger import Ledger
from copydesk.safety.secrets.key import load_key
from copydesk.services.judging import Judging
from copydesk.services.secrecy import Secrecy
from copydesk.workspace.workspace import Workspace


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
        self.counting = Counting(state)
        self.editor_models = (
            GuardedEditorModels(editor_models, self.secrets.redact_value, self.door) if editor_models else None
        )
