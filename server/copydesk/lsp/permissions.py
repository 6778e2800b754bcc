"""Permission questions in an editor: the dialog, and the commands that answer, show and take back.

Owns how they look and what the commands take; what is asked, and what an answer means, is the services'. A client that
takes `copydesk/session/update` and names `copydesk.permission.answer` beside it draws the question itself; every other
one gets a dialog, or code actions where it has none. Start with `PermissionAsker.put`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from copydesk.domain.permissions import OPTION_NAMES, PermissionOption, PermissionRequest
from copydesk.lsp import clients
from copydesk.lsp.arguments import ArgumentError, Reader
from copydesk.lsp.client import SESSION_UPDATE, ClientError
from copydesk.lsp.jobs import Spawn
from copydesk.lsp.updates import permission_to_json
from copydesk.workspace.uris import is_under, normalise, to_path

if TYPE_CHECKING:
    from copydesk.lsp.voices import Voices
    from copydesk.services.permissions import Answer, Permissions
    from copydesk.services.trust import Trust

JsonObject: TypeAlias = dict[str, Any]

ANSWER = "copydesk.permission.answer"
LIST = "copydesk.permissions"
TRUST = "copydesk.workspace.trust"
KEYS: Mapping[str, tuple[str, ...]] = {
    ANSWER: ("request", "option", "reason"),
    LIST: ("forget", "uri", "open"),
    TRUST: ("uri", "trusted"),
}
"""What the argument of each command may hold."""
SHOW_ALL = "Show all"
_OPTIONS: dict[str, PermissionOption] = {option: option for option in OPTION_NAMES}


class PermissionAsker:
    """`services.permissions.Asker` over the client."""

    def __init__(self, voice: "Voices") -> None:
        self._client = voice.client
        self._answers = voice.answers
        self._questions = voice.questions

    @property
    def takes_answers(self) -> bool:
        return SESSION_UPDATE in self._client.experimental

    async def put(self, request: PermissionRequest) -> "Answer | None":
        from copydesk.services.permissions import Answer
        from copydesk.services.wording import question

        if self.takes_answers and ANSWER in self._client.experimental:
            return None
        words = question(request)
        names: dict[str, PermissionOption] = {OPTION_NAMES[option]: option for option in self._ordered(request.options)}
        choices = (*names, SHOW_ALL) if words.is_cut else tuple(names)
        about = request.command or request.title
        while True:
            try:
                choice = await self._questions.choose(words.text, choices, clean=inert, about=about)
            except ClientError:
                return None
            if choice != SHOW_ALL:
                return Answer(names[choice]) if choice else None
            await self._answers.open(f"permission/{_slug(request.id)}.txt", words.whole, focus=True)

    def _ordered(self, options: Sequence[PermissionOption]) -> Sequence[PermissionOption]:
        if clients.enter_takes_first(self._client.name):
            return sorted(options, key=lambda option: not option.startswith("reject"))
        return options


def inert(text: str) -> str:
    """The same characters, and no link among them: VS Code makes links of Markdown in messages."""
    return text.replace("](", "] (")


def _slug(id: str) -> str:
    return "".join(char if char.isalnum() or char in "-_" else "-" for char in id)[:80]


class PermissionCommands:
    """`copydesk.permission.answer`, `copydesk.permissions`, `copydesk.workspace.trust`."""

    def __init__(
        self,
        permissions: "Permissions",
        trust: "Trust",
        voice: "Voices",
        roots: Callable[[], tuple[str, ...]],
        spawn: Spawn,
    ) -> None:
        self._permissions = permissions
        self._trust = trust
        self._voice = voice
        self._roots = roots
        self._spawn = spawn

    async def run(self, fields: Reader) -> JsonObject:
        run = {ANSWER: self.answer, LIST: self.remembered, TRUST: self.trust}[fields.command]
        return await run(fields)

    async def answer(self, fields: Reader) -> JsonObject:
        """Without `option`, the question is put again: a dialog may have been closed or overlooked."""
        request, option, reason = fields.text("request"), fields.text("option"), fields.text("reason")
        if option is None:
            return self._put_again(request)
        known = _OPTIONS.get(option)
        if known is None:
            raise ArgumentError(f"{ANSWER}: {option!r} is no option; choose one of {', '.join(_OPTIONS)}.")
        answered = self._permissions.answer(request, known, reason or "")
        if answered is None:
            self._voice.answers.message("info", "Nothing waits for this answer any more.")
        return {
            "answered": answered is not None,
            "request": answered.id if answered else request,
            "waiting": self.waiting_as_json(),
        }

    def _put_again(self, request: str | None) -> JsonObject:
        waiting = self._permissions.waiting()
        chosen = next((each for each in waiting if request in (None, each.id)), None)
        if chosen is None:
            self._voice.answers.message("info", "No permission is asked for.")
        else:
            self._spawn(lambda: self._permissions.put_again(chosen.id))
        return {"answered": False, "request": chosen.id if chosen else None, "waiting": self.waiting_as_json()}

    def waiting_as_json(self) -> list[JsonObject]:
        return [permission_to_json(each) for each in self._permissions.waiting()]

    # --- trust ---

    async def trust(self, fields: Reader) -> JsonObject:
        """Says or asks whether folders are trusted; answers how it is now."""
        said = fields.fields.get("trusted")
        if said is not None and not isinstance(said, bool):
            raise ArgumentError("copydesk.workspace.trust: 'trusted' must be true or false.")
        roots = self._chosen_roots(fields.text("uri"))
        for root in roots:
            if said is None:
                if self._trust.said_of(root) is None:
                    self._ask_trust(root)
            elif self._trust.source_of(root) == "editor":
                self._voice.answers.message("info", "The editor itself says whether it trusts this folder: tell it.")
            else:
                await self._trust.set(root, said)
        return {"folders": self._folders(roots)}

    def _ask_trust(self, root: str) -> None:
        async def ask() -> None:
            await self._trust.ask_again(root, "know whether it may use what it brings along")

        self._spawn(ask)

    def _chosen_roots(self, uri: str | None) -> tuple[str, ...]:
        roots = self._roots()
        if not roots:
            raise ArgumentError("copydesk.workspace.trust: no folder is open, and trust is about folders.")
        if uri is None:
            return roots
        holding = [root for root in roots if is_under(normalise(uri), root)]
        if not holding:
            raise ArgumentError(f"copydesk.workspace.trust: {uri} is in no folder of this workspace.")
        return (max(holding, key=len),)

    def _folders(self, roots: Sequence[str]) -> list[JsonObject]:
        return [
            {
                "uri": root,
                "path": to_path(root) or root,
                "trusted": self._trust.said_of(root),
                "source": self._trust.source_of(root),
            }
            for root in roots
        ]

    # --- what is remembered ---

    async def remembered(self, fields: Reader) -> JsonObject:
        """Lists, and forgets what is named; opens the list for a person to read."""
        forget = fields.fields.get("forget")
        if forget is not None:
            await self._permissions.forget(_rules_to_forget(forget), fields.text("uri"))
        else:
            await self._permissions.refresh()
        listed = self._listed()
        if fields.fields.get("open") is not False:
            text = list_as_text(listed)
            self._spawn(lambda: self._show(text))  # Emacs stands still until it is answered
        return listed

    async def _show(self, text: str) -> None:
        await self._voice.answers.open("permissions.txt", text)

    def _listed(self) -> JsonObject:
        kept = {each.folder: each for each in self._permissions.folder_grants()}
        folders = self._folders(self._roots())
        for folder in folders:
            of = kept.get(folder["uri"])
            folder["rules"] = [{"rule": grant.rule, "at": grant.at} for grant in of.grants] if of else []
            folder["problem"] = of.problem if of else ""
        sessions = [{"session": id, "rules": list(rules)} for id, rules in self._permissions.session_rules().items()]
        return {"folders": folders, "sessions": sessions, "waiting": self.waiting_as_json()}

    def status(self) -> JsonObject:
        roots = self._roots()
        return {
            "grants": self._permissions.n_grants,
            "waiting": [request.id for request in self._permissions.waiting()],
            "trusted": all(self._trust.is_trusted(root) for root in roots) if roots else False,
        }


def _rules_to_forget(forget: object) -> list[str] | None:
    """None means all of them."""
    if forget is True:
        return None
    given = [forget] if isinstance(forget, str) else forget
    rules = cast("list[object]", given) if isinstance(given, list) else []
    texts = [rule for rule in rules if isinstance(rule, str)]
    if not rules or len(texts) != len(rules):
        raise ArgumentError("copydesk.permissions: 'forget' must be a rule, a list of rules, or true for all.")
    return texts


def list_as_text(listed: JsonObject) -> str:
    """The list as a person reads it."""
    lines: list[str] = []
    for folder in listed["folders"]:
        trusted = {True: "trusted", False: "not trusted", None: "not asked whether it is trusted"}[folder["trusted"]]
        lines += [f"{folder['path']} ({trusted})", ""]
        lines += [f"    {item['rule']}    (since {item['at'][:10]})" for item in folder["rules"]]
        lines += [f"    {folder['problem']}"] if folder["problem"] else []
        lines += ["    Nothing is always allowed."] if not folder["rules"] and not folder["problem"] else []
        lines.append("")
    for session in listed["sessions"]:
        lines += [f"Session {session['session']}", "", *(f"    {rule}" for rule in session["rules"]), ""]
    lines += [
        'To forget one: copydesk.permissions with {"forget": "the rule"}; all of them: {"forget": true}.',
        'To trust a folder, or no longer: copydesk.workspace.trust with {"trusted": true} or false.',
    ]
    return "\n".join(lines) + "\n"
