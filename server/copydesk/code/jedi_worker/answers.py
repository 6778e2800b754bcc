"""What the worker can be asked, and jedi's answers as plain data. Lines are 0-based, columns code points.

Owns the one live `Script`. Changes no file. Start with `Answers.answer`; refactorings are in `refactorings`.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from typing import Any, TypeAlias

from copydesk.code.jedi_worker.projects import environment, project_for
from copydesk.code.jedi_worker.refusals import Refused
from copydesk.code.jedi_worker.virtual import VirtualFiles

Request: TypeAlias = dict[str, Any]
_N_NAMES = 200
_N_REFERENCES = 2000


class Answers:
    """Keeps the virtual files, and the last script as long as nothing changed."""

    def __init__(self) -> None:
        self.files = VirtualFiles()
        self.files.install()
        self._script: tuple[tuple[str, str], Any] | None = None

    def answer(self, request: Request) -> dict[str, Any]:
        if self.files.update(request.get("changed", {}), request.get("dropped", [])):
            self._script = None
        match request["op"]:
            case "definition":
                return {"found": self._definition(request)}
            case "references":
                return {"found": self._references(request)}
            case "hover":
                return {"text": self._hover(request)}
            case "complete":
                return {"names": self._complete(request)}
            case "rename":
                from copydesk.code.jedi_worker.refactorings import rename

                return rename(self.files, self.script(request, fresh=True), request)
            case "extract":
                from copydesk.code.jedi_worker.refactorings import extract

                return extract(self.files, self.script(request, fresh=True), request)
            case "annotate":
                from copydesk.code.jedi_worker.annotations import annotate

                return {"spans": annotate(self.files, self.script(request, fresh=True), request)}
            case op:
                raise Refused(f"The worker does not know {op!r}.")

    def script(self, request: Request, *, fresh: bool = False) -> Any:
        """The script for the request's file. `fresh` parses anew what was patched: no refactoring on a patched tree."""
        import importlib

        import jedi

        key = request["path"], request["root"]
        if self._script is not None and self._script[0] == key and not fresh:
            return self._script[1]
        importlib.invalidate_caches()
        if fresh:
            self.files.forget_patched(request["path"])
        text = self.files.read(request["path"])
        project = project_for(request["root"])
        script = jedi.Script(text, path=request["path"], environment=environment(), project=project)
        self._script = None if fresh else (key, script)
        return script

    def _definition(self, request: Request) -> list[dict[str, Any]]:
        script, (line, column) = self.script(request), _position(request)
        names = script.goto(line, column, follow_imports=True, follow_builtin_imports=True)
        found = [_place(name) for name in names]
        return [place for place in found if place is not None]

    def _references(self, request: Request) -> list[dict[str, Any]]:
        from copydesk.code.jedi_worker.references import references

        names = references(self.script(request), *_position(request))
        places = [_place(name) for name in names]
        found = {(place["path"], place["line"], place["column"]): place for place in places if place is not None}
        return [found[key] for key in sorted(found)][:_N_REFERENCES]

    def _hover(self, request: Request) -> str:
        names = self.script(request).help(*_position(request))
        return "\n\n".join(text for text in map(_described, names[:3]) if text)

    def _complete(self, request: Request) -> list[str]:
        return [one.name for one in self.script(request).complete(*_position(request))[:_N_NAMES]]


def _position(request: Request) -> tuple[int, int]:
    return request["line"] + 1, request["column"]


def _place(name: Any) -> dict[str, Any] | None:
    if name.module_path is None or name.line is None:
        return None
    text = name.get_line_code().strip()
    place = {"path": str(name.module_path), "line": name.line - 1, "column": name.column}
    return {**place, "name": name.name, "text": text[:300]}


def _described(name: Any) -> str:
    if name.type == "keyword":
        return ""
    signatures = [signature.to_string() for signature in name.get_signatures()][:5]
    head = "\n".join(signatures) or f"{name.type} {name.full_name or name.name}"
    return "\n\n".join(part for part in (head, name.docstring(raw=True).strip()) if part)
