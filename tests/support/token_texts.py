"""Texts of many kinds, made the same everywhere, with their true token counts: what estimates are measured against.

The counts are tiktoken's own for o200k_base and cl100k_base. To count again after a change, print `TEXTS` to them.
"""

import base64
import json
import random
from collections.abc import Callable, Iterator

WORDS = [
    "server",
    "client",
    "request",
    "session",
    "buffer",
    "editor",
    "model",
    "token",
    "stream",
    "answer",
    "budget",
    "window",
    "folder",
    "change",
    "review",
    "hunk",
    "line",
    "column",
    "position",
    "parser",
    "reader",
    "writer",
    "handler",
    "queue",
    "worker",
    "process",
    "thread",
    "lock",
    "event",
    "message",
    "result",
    "error",
    "warning",
    "config",
    "setting",
    "default",
    "option",
    "value",
    "number",
    "string",
    "index",
    "count",
    "total",
    "first",
    "last",
    "next",
    "previous",
    "current",
    "pending",
]
PROSE = (
    (
        "The server keeps every keystroke in order, so a change that was planned on an older text can be moved over what was "
        "typed since. Nothing is written before the person has accepted it. When two changes meet, the later one waits, and "
        "the person is told why. "
    ),
    (
        "Der Server ordnet jede Änderung dem Text zu, auf dem sie geplant wurde. Was seither getippt wurde, geht nicht "
        "verloren: die Änderung wird darüber verschoben, oder sie wartet, bis jemand entscheidet. Größere Überarbeitungen "
        "werden zuerst geprüft. "
    ),
    (
        "Le serveur garde chaque frappe dans l’ordre, afin qu’une modification prévue sur un texte plus ancien puisse être "
        "déplacée. Rien n’est écrit avant que la personne ne l’ait accepté, et tout peut être annulé. "
    ),
    (
        "Сервер хранит каждое нажатие по порядку, поэтому изменение, задуманное для более старого текста, можно перенести. "
        "Ничего не записывается, пока человек не согласится. "
    ),
    "服务器按顺序保存每一次按键，因此为较旧文本计划的更改可以移动到之后输入的内容之上。在用户接受之前，不会写入任何内容。",
    "サーバーはすべてのキー入力を順番に保存します。そのため、古いテキストに対して計画された変更を、後から入力された内容の上に移すことができます。",
    "서버는 모든 키 입력을 순서대로 보관하므로 이전 텍스트를 기준으로 계획된 변경 사항을 이후에 입력된 내용 위로 옮길 수 있습니다. ",
    "يحتفظ الخادم بكل ضغطة مفتاح بالترتيب، ولذلك يمكن نقل التغيير المخطط له على نص أقدم. لا يُكتب شيء قبل موافقة الشخص. ",
)


def _python(pick: random.Random) -> Iterator[str]:
    yield '"""What this module owns, and what it must not know."""\n\nfrom collections.abc import Iterator\n\n'
    for _ in range(14):
        name, other, third = pick.sample(WORDS, 3)
        yield f"\n\ndef {name}_{other}({third}: str, *, limit_s: float = {pick.randint(1, 90)}.0) -> list[{other.title()}]:\n"
        yield f'    """The {other} of one {third}. Raises `{name.title()}Error` when there is none."""\n'
        yield f"    found = [{other} for {other} in self._{third}s if {other}.is_{name}]\n"
        yield f'    if not found and len({third}) > {pick.randint(2, 500)}:\n        raise {name.title()}Error(f"No {{{third}}}.")\n'
        yield "    return sorted(found, key=lambda one: one.start)\n"


def _diff(pick: random.Random) -> Iterator[str]:
    for _ in range(8):
        name, other, third = pick.sample(WORDS, 3)
        at = pick.randint(3, 400)
        yield f"diff --git a/src/{name}/{other}.py b/src/{name}/{other}.py\nindex {pick.randbytes(4).hex()[:7]}..{pick.randbytes(4).hex()[:7]} 100644\n"
        yield f"--- a/src/{name}/{other}.py\n+++ b/src/{name}/{other}.py\n@@ -{at},7 +{at},8 @@ class {third.title()}:\n"
        yield f"     def {other}(self) -> int:\n-        return self._{third}\n+        if self._{third} is None:\n+            return 0\n+        return self._{third}.{name}\n"


def _schemas(pick: random.Random) -> Iterator[str]:
    for _ in range(10):
        name, other, third = pick.sample(WORDS, 3)
        spec = {
            "name": f"{name}_{other}",
            "description": f"Show the {other} of a {third}, the newest first. Without path, of all of them.",
            "parameters": {
                "type": "object",
                "properties": {
                    "path": {"type": "string", "description": f"the {third}"},
                    "limit": {"type": "integer", "minimum": 1, "maximum": pick.randint(20, 900)},
                    "mode": {"type": "string", "enum": pick.sample(WORDS, 3)},
                    "all": {"type": "boolean"},
                },
                "additionalProperties": False,
                "required": ["path"],
            },
        }
        yield json.dumps(spec, separators=(",", ":"))


def _minified(pick: random.Random) -> Iterator[str]:
    for _ in range(60):
        a, b, c = pick.sample("abcdefghijkmnoprstuvw", 3)
        name, other = pick.sample(WORDS, 2)
        yield f'function {a}({b},{c}){{return {b}.{name}?{c}({b}.{other}({pick.randint(0, 99)})):void 0!=={c}&&"{name}"}}'


def _log(pick: random.Random) -> Iterator[str]:
    for _ in range(40):
        name, other = pick.sample(WORDS, 2)
        yield f"2026-{pick.randint(10, 12)}-{pick.randint(10, 28)}T{pick.randint(10, 23)}:{pick.randint(10, 59)}:{pick.randint(10, 59)}.{pick.randint(100, 999)}Z INFO [{name}-{pick.randint(1, 9)}] {other} {pick.randbytes(4).hex()} took {pick.randint(1, 900)} ms\n"


def _table(pick: random.Random) -> Iterator[str]:
    yield "| name | what it is | value |\n| --- | --- | --- |\n"
    for _ in range(30):
        name, other, third = pick.sample(WORDS, 3)
        yield f"| `{name}.{other}` | the {third} of the {other}, in seconds | **{pick.randint(1, 9000)}** |\n"
    yield "=" * 80 + "\n" + "-" * 80 + "\n"


def _rows(pick: random.Random) -> Iterator[str]:
    for _ in range(50):
        yield ",".join(str(round(pick.random() * 10 ** pick.randint(0, 5), 3)) for _ in range(6)) + "\n"


def _json(pick: random.Random) -> Iterator[str]:
    rows = [
        {
            "id": pick.randint(1, 10**6),
            "name": " ".join(pick.sample(WORDS, 2)),
            "tags": pick.sample(WORDS, 3),
            "ok": True,
        }
        for _ in range(25)
    ]
    yield json.dumps(rows, indent=2)


def _numbered(pick: random.Random) -> Iterator[str]:
    for number, line in enumerate("".join(_python(pick)).split("\n"), 1):
        yield f"{number}→{line}\n"


def _found(pick: random.Random) -> Iterator[str]:
    for _ in range(40):
        name, other, third = pick.sample(WORDS, 3)
        yield f"src/{name}/{other}.py:{pick.randint(1, 900)}:    self.{third} = {name.title()}({other}, {third}=None)\n"


def _base64(pick: random.Random) -> Iterator[str]:
    yield base64.b64encode(pick.randbytes(1500)).decode()


def _emoji(pick: random.Random) -> Iterator[str]:
    for _ in range(40):
        yield f"{pick.choice('✅❌🚀🐛🔥✨📦🎉')} {' '.join(pick.sample(WORDS, 3))} — {pick.choice('→…•')} done\n"


def _markdown(pick: random.Random) -> Iterator[str]:
    for _ in range(8):
        name, other, third = pick.sample(WORDS, 3)
        yield f"## The {name}'s {other}\n\n{PROSE[0]}\n\n- **{third}**: see `{name}.{other}()` in [the {third}](docs/{third}.md)\n- one more {other}\n\n```python\n{name} = {other}.{third}({pick.randint(1, 99)})\n```\n\n"


_MADE: dict[str, Callable[[random.Random], Iterator[str]]] = {
    "python": _python,
    "diff": _diff,
    "tool schemas": _schemas,
    "minified JavaScript": _minified,
    "log": _log,
    "table": _table,
    "numbers": _rows,
    "JSON": _json,
    "numbered lines": _numbered,
    "grep": _found,
    "base64": _base64,
    "emoji": _emoji,
    "Markdown": _markdown,
}
LANGUAGES = ("English", "German", "French", "Russian", "Chinese", "Japanese", "Korean", "Arabic")

TEXTS: dict[str, str] = {kind: "".join(made(random.Random(kind))) for kind, made in _MADE.items()} | {
    name: prose * 4 for name, prose in zip(LANGUAGES, PROSE, strict=True)
}
