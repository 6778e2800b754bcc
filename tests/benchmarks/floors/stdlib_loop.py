"""The least an agent can be: http.client, json, two tools, a loop. `python -m …stdlib_loop PORT TASK` runs one task.

Chat Completions, streaming, one kept connection. No check, no session, no diff: a floor, not a peer.
"""

import http.client
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

SYSTEM = "You edit code. Read before you edit."


def _tool(name: str, *arguments: str) -> dict[str, Any]:
    properties = {argument: {"type": "string"} for argument in arguments}
    parameters = {"type": "object", "properties": properties, "required": list(arguments)}
    return {"type": "function", "function": {"name": name, "description": name, "parameters": parameters}}


TOOLS = [_tool("read_file", "path"), _tool("edit_file", "path", "old_text", "new_text")]


class Loop:
    def __init__(self, port: int, tools: dict[str, Callable[..., str]]) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._tools = tools

    def run(self, task: str) -> str:
        messages: list[dict[str, Any]] = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": task}]
        while True:
            said, calls = self._step(messages)
            if not calls:
                return said
            messages.append({"role": "assistant", "content": said or None, "tool_calls": calls})
            for call in calls:
                arguments = json.loads(call["function"]["arguments"])
                result = self._tools[call["function"]["name"]](**arguments)
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})

    def _step(self, messages: list[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
        body = json.dumps({"model": "scripted", "stream": True, "messages": messages, "tools": TOOLS})
        headers = {"content-type": "application/json"}
        self._connection.request("POST", "/v1/chat/completions", body, headers)
        said: list[str] = []
        calls: list[dict[str, Any]] = []
        for delta in self._deltas(self._connection.getresponse()):
            said.append(delta.get("content") or "")
            for piece in delta.get("tool_calls") or []:
                if piece["index"] == len(calls):
                    calls.append(piece)
                else:
                    calls[piece["index"]]["function"]["arguments"] += piece["function"]["arguments"]
        return "".join(said), calls

    def _deltas(self, response: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
        for line in response:
            if line.startswith(b"data: {"):
                for choice in json.loads(line[6:])["choices"]:
                    yield choice["delta"]


def read_file(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def edit_file(path: str, old_text: str, new_text: str) -> str:
    text = read_file(path)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(old_text, new_text, 1))
    return "edited"


if __name__ == "__main__":
    print(Loop(int(sys.argv[1]), {"read_file": read_file, "edit_file": edit_file}).run(sys.argv[2]))
