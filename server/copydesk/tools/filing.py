"""`delete_file` and `move_file`: whole files, proposed and never touched. Start with `delete_file`."""

from copydesk.domain.edits import Base, DeleteFile, MoveFile
from copydesk.domain.errors import BinaryFile, FileExists, FileTooLarge, InvalidArguments, UnknownEncoding
from copydesk.domain.ports import Work
from copydesk.domain.tools import Location, Prepared, ToolOutput, ToolSpec
from copydesk.tools.functions import STRING, Arguments, FunctionTool, counted, schema
from copydesk.tools.places import changed_uri, opened, prepared
from copydesk.tools.reading import file_lines
from copydesk.tools.threads import in_thread

_DELETE = ToolSpec("delete_file", "Delete a file.", schema("path", path=STRING), "delete", "edit")
_MOVE = ToolSpec(
    "move_file",
    "Move or rename a file. destination is the whole new path.",
    schema("source", "destination", source=STRING, destination=STRING),
    "move",
    "edit",
)


def delete_file() -> FunctionTool:
    return FunctionTool(_DELETE, lambda arguments, work: prepared("Delete", arguments, work), _delete)


def move_file() -> FunctionTool:
    return FunctionTool(_MOVE, _prepare_move, _move)


async def _delete(arguments: Arguments, work: Work) -> ToolOutput:
    uri = changed_uri(work, arguments["path"])
    base, size = await based(work, uri)
    path = work.display(uri)
    work.propose(DeleteFile(base))
    return ToolOutput(f"Deleted {path} ({size}).", details={"path": path})


async def based(work: Work, uri: str) -> tuple[Base, str]:
    """What stands at the URI, and its size in words. What is not text has no hash: it can go, unread."""
    try:
        handle = await opened(work, uri)
    except (BinaryFile, UnknownEncoding, FileTooLarge):
        return Base(uri, ""), "not read as text"
    return handle.base, counted(len(file_lines(handle.text)), "line")


def _prepare_move(arguments: Arguments, work: Work) -> Prepared:
    source, destination = changed_uri(work, arguments["source"]), changed_uri(work, arguments["destination"])
    if source == destination:
        raise InvalidArguments("`source` and `destination` are the same file.")
    title = f"Move {work.display(source)} to {work.display(destination)}"
    return Prepared(title, (Location(source), Location(destination)))


async def _move(arguments: Arguments, work: Work) -> ToolOutput:
    source, destination = changed_uri(work, arguments["source"]), changed_uri(work, arguments["destination"])
    base, size = await based(work, source)
    old, new = work.display(source), work.display(destination)
    if await in_thread(lambda _: work.files.exists(destination)):
        raise FileExists(
            f"{new!r} exists already.", advice="Give the whole path of a new file, or delete that one first."
        )
    work.propose(MoveFile(base, destination))
    return ToolOutput(f"Moved {old} to {new} ({size}).", details={"path": old, "destination": new})
