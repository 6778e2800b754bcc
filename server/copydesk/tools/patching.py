"""`apply_patch` as the model sees it; what it does is in `patch_work`, which most turns never need."""

from copydesk.domain.ports import Work
from copydesk.domain.tools import Prepared, ToolOutput, ToolSpec
from copydesk.tools.functions import Arguments, FunctionTool, schema, text

_SPEC = ToolSpec(
    "apply_patch",
    "Change several places or files at once, all or nothing. Hunks are placed by their lines, copied exactly from the "
    "file; line numbers may be wrong.",
    schema(
        "patch",
        patch=text(
            "`*** Begin Patch`, then sections `*** Update File: path` (next line may be `*** Move to: path`), "
            "`*** Add File: path`, `*** Delete File: path`, with hunks of ` `, `-`, `+` lines after `@@` or "
            "`@@ class or def they are in`, then `*** End Patch`. Or a unified diff."
        ),
    ),
    "edit",
    "edit",
)


def apply_patch() -> FunctionTool:
    return FunctionTool(_SPEC, _prepare, _apply)


def _prepare(arguments: Arguments, work: Work) -> Prepared:
    from copydesk.tools.patch_work import prepare

    return prepare(arguments, work)


async def _apply(arguments: Arguments, work: Work) -> ToolOutput:
    from copydesk.tools.patch_work import apply_parts

    return await apply_parts(arguments, work)
