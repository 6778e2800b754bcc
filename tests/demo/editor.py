"""A small editor: starts the server as a process, holds buffers with versions, applies the edits it is sent.

It answers what a real client answers (applyEdit, configuration, progress, questions) and tells the rest to a
listener. Positions are utf-32, so columns are code points. Nothing is written to the disk here.
"""

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

from tests.demo.targets import language_of

LIMIT_S = 600.0
"""Longest wait for an answer of the server."""


class ServerError(Exception):
    """The server answered an error, or does not answer at all."""


class Editor:
    def __init__(self, root: Path, listen: Callable[[str, dict[str, Any]], None], env: dict[str, str]) -> None:
        self.root = root
        self.buffers: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.created: set[str] = set()
        self.deleted: set[str] = set()
        self.moved: dict[str, str] = {}
        self._listen = listen
        self._ids = iter(range(1, 1_000_000))
        self._answers: dict[int, queue.Queue[dict[str, Any]]] = {}
        self._lock = threading.Lock()
        # -P: the project's own modules must not be taken for the server's.
        command = [sys.executable, "-P", "-m", "copydesk", "serve", "--stdio"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, cwd=root)
        threading.Thread(target=self._read, daemon=True).start()

    # --- the wire ---

    def request(self, method: str, params: Any) -> Any:
        box = self.post(method, params)
        try:
            answer = box.get(timeout=LIMIT_S)
        except queue.Empty:
            raise ServerError(f"the server did not answer {method} within {LIMIT_S:g} s") from None
        if "error" in answer:
            raise ServerError(answer["error"]["message"])
        return answer.get("result")

    def post(self, method: str, params: Any) -> "queue.Queue[dict[str, Any]]":
        """Sends a request and returns at once; the answer comes in the queue."""
        id = next(self._ids)
        box: queue.Queue[dict[str, Any]] = queue.Queue()
        self._answers[id] = box
        self._send({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
        return box

    def notify(self, method: str, params: Any) -> None:
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps(message).encode()
        assert self.process.stdin is not None
        try:
            with self._lock:
                self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
                self.process.stdin.flush()
        except OSError:
            raise ServerError("the server is gone; what it said stands above") from None

    def _read(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while header := stream.readline():
            length = int(header.split(b":")[1])
            while stream.readline().strip():
                pass
            self._take(json.loads(stream.read(length)))
        for box in self._answers.values():
            box.put(
                {"error": {"message": f"the server ended with code {self.process.wait()}; what it said stands above"}}
            )

    def _take(self, message: dict[str, Any]) -> None:
        if "method" not in message:
            self._answers.pop(message["id"]).put(message)
        elif "id" in message:
            self._send({"jsonrpc": "2.0", "id": message["id"], "result": self._serve(message)})
        else:
            self._listen(message["method"], message.get("params") or {})

    def _serve(self, message: dict[str, Any]) -> Any:
        params = message.get("params") or {}
        match message["method"]:
            case "workspace/applyEdit":
                return {"applied": self._apply(params["edit"])}
            case "workspace/configuration":
                return [None for _ in params["items"]]
            case "window/showMessageRequest":
                actions = params.get("actions") or []
                if any(action["title"].startswith("Trust") for action in actions):
                    return None  # a person says so with TRUST=1
                return next(iter(actions), None)
            case "window/showDocument":
                self._listen("window/showDocument", params)
                return {"success": True}
            case _:
                return None

    # --- documents ---

    def open(self, path: Path) -> str:
        uri = path.as_uri()
        if uri not in self.buffers:
            self._opened(uri, path.read_bytes().decode("utf-8"))
        return uri

    def _opened(self, uri: str, text: str) -> None:
        self.buffers[uri], self.versions[uri] = text, 1
        language = language_of(path_of(uri))
        document = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def _apply(self, edit: dict[str, Any]) -> bool:
        for change in edit.get("documentChanges") or []:
            match change.get("kind"):
                case "create":
                    self.created.add(change["uri"])
                    self._opened(change["uri"], "")
                case "delete":
                    self.deleted.add(change["uri"])
                case "rename":
                    self.moved[change["newUri"]] = change["oldUri"]
                    self._opened(change["newUri"], path_of(change["oldUri"]).read_bytes().decode("utf-8"))
                case _:
                    if not self._edit(change["textDocument"], change["edits"]):
                        return False
        return True

    def _edit(self, document: dict[str, Any], edits: list[dict[str, Any]]) -> bool:
        uri = document["uri"]
        if uri not in self.buffers:
            self.open(path_of(uri))
        if document.get("version") not in (None, self.versions[uri]):
            return False
        self.buffers[uri] = edited(self.buffers[uri], edits)
        self.versions[uri] += 1
        changed = {"uri": uri, "version": self.versions[uri]}
        self.notify(
            "textDocument/didChange", {"textDocument": changed, "contentChanges": [{"text": self.buffers[uri]}]}
        )
        return True

    def close(self) -> int:
        self.request("shutdown", None)
        self.notify("exit", None)
        return self.process.wait(timeout=10)

    def kill(self) -> None:
        """Something went wrong on this side: the server must not outlive it."""
        self.process.kill()
        self.process.wait()


def edited(text: str, edits: list[dict[str, Any]]) -> str:
    """LSP text edits applied from the last to the first; positions are code points."""
    starts = [0]
    for index, char in enumerate(text):
        if char == "\n" or (char == "\r" and text[index + 1 : index + 2] != "\n"):
            starts.append(index + 1)

    def offset(position: dict[str, int]) -> int:
        return min(
            starts[position["line"]] + position["character"] if position["line"] < len(starts) else len(text), len(text)
        )

    spans = [(offset(edit["range"]["start"]), offset(edit["range"]["end"]), edit["newText"]) for edit in edits]
    for start, end, new in sorted(spans, key=lambda span: span[:2], reverse=True):
        text = text[:start] + new + text[end:]
    return text


def path_of(uri: str) -> Path:
    return Path(url2pathname(urlparse(uri).path))
