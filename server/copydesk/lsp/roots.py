"""The workspace folders as URIs, from initialize and from later changes. Start with `roots_of`."""

from typing import Any, cast


def roots_of(params: dict[str, Any]) -> tuple[str, ...]:
    """workspaceFolders, else rootUri, else rootPath; in the client's order, each once."""
    folders = _uris(params.get("workspaceFolders"))
    if folders:
        return folders
    if params.get("rootUri"):
        return (str(params["rootUri"]),)
    if params.get("rootPath"):
        from copydesk.workspace.uris import to_uri

        return (to_uri(str(params["rootPath"])),)
    return ()


def with_folder_changes(roots: tuple[str, ...], params: Any) -> tuple[str, ...]:
    """The folders after a didChangeWorkspaceFolders; the same ones when it is malformed."""
    event = cast("dict[str, Any]", params).get("event") if isinstance(params, dict) else None
    if not isinstance(event, dict):
        return roots
    change = cast("dict[str, Any]", event)
    removed = set(_uris(change.get("removed")))
    kept = [uri for uri in roots if uri not in removed]
    return tuple(dict.fromkeys((*kept, *_uris(change.get("added")))))


def _uris(folders: Any) -> tuple[str, ...]:
    uris: list[str] = []
    for folder in cast("list[Any]", folders) if isinstance(folders, list) else ():
        uri = cast("dict[str, Any]", folder).get("uri") if isinstance(folder, dict) else None
        if isinstance(uri, str) and uri:
            uris.append(uri)
    return tuple(dict.fromkeys(uris))
