"""One model's certification, put together: found without fallbacks, its server asked, the meter around it.

Decides nothing; what is tried is `services.certifying`'s. Start with `certified`.
"""

from copydesk.app.compose import Core
from copydesk.domain.errors import ConfigError
from copydesk.domain.messages import Usage
from copydesk.domain.money import Cost
from copydesk.domain.ports import Model
from copydesk.models.remote import RemoteModel
from copydesk.models.selection import Models
from copydesk.services.certifying import Certificate, Tell, certify


async def certified(core: Core, name: str | None, tell: Tell) -> tuple[Certificate, Cost]:
    """Certifies the model of that name, or the one that a turn would use. Raises what finding it raises."""
    if not isinstance(core.models, Models):
        raise ConfigError("This server has one fixed model: there is nothing to check.")
    models, remote = core.models.alone(), list[RemoteModel]()
    bill = core.host.parts.meter.turn("", "", lambda event: None)

    def around(model: Model) -> Model:
        remote[:] = [model] if isinstance(model, RemoteModel) else []
        return bill.around(model)

    found = (await models.resolve(name or core.host.chosen_model())).name
    if found == "offline":
        raise ConfigError(
            "The offline model is no language model: there is nothing to check.",
            advice="Name one, as in copydesk models --check ollama/qwen3:8b; docs/MODELS.md says how to get one.",
        )
    await models.learn(found)
    model = await models.resolve(found, around=around)

    async def refresh() -> None:
        entry = await models.relearn(found)
        if entry is not None and remote:
            remote[0].learn(entry)

    certificate = await certify(model, lambda: models.kind(found), tell, refresh)
    return certificate, bill.cost if bill.usage != Usage() else Cost(0.0)
