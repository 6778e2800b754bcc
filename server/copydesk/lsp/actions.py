"""Code actions: what Copydesk offers where the person is. Listing never calls a model and changes nothing.

Owns which actions there are and how they look to a client. Start with `Actions.list_actions`.
Every action is a command, never an edit: clients drop the versions of edits inside actions, and an action that is
only listed must cost nothing. `codeAction/resolve` gives an action back as it is.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import anyio

from copydesk.domain.messages import LineRange
from copydesk.lsp import clients
from copydesk.lsp.arguments import ClientRange, Fields
from copydesk.lsp.comments import MAX_BLOCK_LINES, InstructionComment, find_instruction
from copydesk.lsp.handlers import RequestContext, invalid_params
from copydesk.lsp.hover import read_place
from copydesk.lsp.offers import QUICK_FIX, Offer, is_wanted, shortened
from copydesk.lsp.pending import is_ours
from copydesk.lsp.places import OpenText, OpenTexts, Places, Seen, as_objects, diagnostic_message, to_line_range
from copydesk.lsp.prompts import Prompt
from copydesk.lsp.questions import Waiting
from copydesk.lsp.review_offers import ReviewOffers
from copydesk.text.positions import from_codepoints

if TYPE_CHECKING:
    from copydesk.lsp.voice import Voice
    from copydesk.text.documents import Document

JsonObject: TypeAlias = dict[str, Any]

REWRITE = "refactor.rewrite.copydesk"
MAX_FIXES = 20
"""Diagnostics offered at one place; more would drown the menu."""
SYMBOL_LIMIT_S = 0.05
_LLM_GENERATED = 1
_WORD = re.compile(r"[^\W\d]\w*")
_REWRITES = (
    ("explain", "Copydesk: Explain {}"),
    ("document", "Copydesk: Document {}"),
    ("test", "Copydesk: Write tests for {}"),
    ("refactor", "Copydesk: Refactor {}…"),
)
_KEYWORDS = frozenset(
    """
    None True False and as assert async await break case catch class const continue def default del do elif else enum
    except export extends false finally fn for from func function global if impl import in interface is lambda let
    match mod mut new nil none nonlocal not null or package pass pub raise return self static struct super switch this
    throw trait true try type use var void while with yield
    """.split()  # noqa: SIM905  a list of ninety quoted words reads worse
)
"""Words of many languages that are no subject."""

SymbolAt: TypeAlias = Callable[[str, str, int], str | None]
"""(uri, text, line from 0): the name of the definition that the line touches."""


class Actions:
    def __init__(
        self,
        voice: "Voice",
        places: Places,
        symbol_at: SymbolAt,
        is_language_model: Callable[[], bool],
        review: ReviewOffers,
        menu: Callable[[], Iterable[Offer]] = tuple[Offer],
    ) -> None:
        """`menu`: what is offered everywhere, behind all else."""
        self._client = voice.client
        self._places = places
        self._prompts = voice.prompts
        self._questions = voice.questions
        self._symbol_at = symbol_at
        self._is_language_model = is_language_model
        self._review = review
        self._menu = menu

    async def list_actions(self, params: Any, context: RequestContext) -> list[JsonObject]:
        """`textDocument/codeAction`."""
        uri, at = read_place(params, "range")
        given = cast("JsonObject", params).get("context")
        asked = cast("JsonObject", given) if isinstance(given, dict) else {}
        only = asked.get("only")
        kinds = tuple(kind for kind in cast("list[object]", only) if isinstance(kind, str)) if _is_list(only) else None
        if prompt := self._prompts.get(uri):
            answers = [offer for offer in self._answer_offers() if is_wanted(offer.kind, kinds)]
            return [self._shown(offer) for offer in (*answers, *(() if prompt.sent else send_offers(uri, kinds)))]
        diagnostics = as_objects(asked.get("diagnostics"))
        opened = cast("OpenTexts", context.files).get(uri)
        offers = [*self._waiting_offers(cast("OpenTexts", context.files))]
        if is_wanted(QUICK_FIX, kinds):
            lines = LineRange(at.start_line, at.start_units, at.end_line, at.end_units)  # only lines matter there
            offers += self._review.at(uri, lines, diagnostics, opened.document if opened else None)
            offers += fix_offers(uri, diagnostics)
        if self._review.is_view(uri):  # nothing in it is work to do, nor the place of the next command
            return [self._shown(offer) for offer in offers if is_wanted(offer.kind, kinds)]
        self._places.note(Seen(uri, at, diagnostics))
        if opened is not None:
            fixes = self._keeps_diagnostics and all(is_ours(item) for item in diagnostics)
            offers += await self._offers_in(opened, uri, at, kinds, fixes=fixes)
        return [self._shown(offer) for offer in (*offers, *self._menu()) if is_wanted(offer.kind, kinds)]

    async def resolve(self, params: Any, context: RequestContext) -> Any:
        """`codeAction/resolve`: nothing is left to compute, whatever the client sends back."""
        if not isinstance(params, dict):
            raise invalid_params("codeAction/resolve needs the code action, an object")
        return cast("JsonObject", params)

    def _waiting_offers(self, files: OpenTexts) -> Iterator[Offer]:
        """What waits for the person and has no better place: questions, and a prompt document we were not told of."""
        yield from self._answer_offers()
        prompt = self._prompts.newest()
        if prompt and files.get(prompt.uri) is None:
            yield prompt_offer(prompt)

    def _answer_offers(self) -> Iterator[Offer]:
        for question in self._questions.waiting():
            yield from answer_offers(question)

    async def _offers_in(
        self, opened: OpenText, uri: str, at: ClientRange, kinds: tuple[str, ...] | None, *, fixes: bool
    ) -> list[Offer]:
        document = opened.document
        lines = to_line_range(document, at, self._client.encoding)
        comments = list(comment_offers(uri, document, opened.language, lines, self._client.encoding))
        offers = comments if is_wanted(QUICK_FIX, kinds) else []
        if not is_wanted(REWRITE, kinds) and not any(is_wanted(f"{REWRITE}.{verb}", kinds) for verb, _ in _REWRITES):
            return offers
        subject = await self._subject(uri, document, lines, in_comment=bool(comments))
        return [*offers, *rewrite_offers(uri, at, subject, fixes=fixes and not comments)]

    @property
    def _keeps_diagnostics(self) -> bool:
        return clients.keeps_diagnostics(self._client.name, declares_edits=self._client.declares_edits)

    async def _subject(self, uri: str, document: "Document", at: LineRange, *, in_comment: bool) -> str:
        """What the work would be about; "" on a blank line, a keyword or an instruction."""
        name: str | None = None
        with anyio.move_on_after(SYMBOL_LIMIT_S):
            name = await anyio.to_thread.run_sync(
                self._symbol_at, uri, document.text, at.start_line, abandon_on_cancel=True
            )
        return (
            name
            or ("" if not at.is_empty or in_comment else word_at(document.line(at.start_line), at.start_column))
            or ("the selection" if not at.is_empty else "")
        )

    def _shown(self, offer: Offer) -> JsonObject:
        command = {"title": offer.title, "command": offer.command, "arguments": [offer.argument]}
        if not self._client.supports("textDocument.codeAction.codeActionLiteralSupport"):
            return command
        is_bare = offer.kind == QUICK_FIX and not offer.diagnostics
        action: JsonObject = {
            "title": offer.title,
            "kind": f"{QUICK_FIX}.copydesk" if is_bare and clients.hides_bare_fixes(self._client.name) else offer.kind,
            "command": command,
            "data": {"command": offer.command},
        }
        if offer.diagnostics:
            action |= {"diagnostics": list(offer.diagnostics)}
            if self._client.supports("textDocument.codeAction.isPreferredSupport"):
                action |= {"isPreferred": False}
        if self._is_language_model() and self._takes_tags:
            action |= {"tags": [_LLM_GENERATED]}
        return action

    @property
    def _takes_tags(self) -> bool:
        values: object = self._client.supports("textDocument.codeAction.tagSupport.valueSet")
        return isinstance(values, list) and _LLM_GENERATED in values


# --- what is offered --------------------------------------------------------------------------------------


def fix_offers(uri: str, diagnostics: Sequence[Fields]) -> Iterator[Offer]:
    for item in [item for item in diagnostics if not is_ours(item)][:MAX_FIXES]:
        message = shortened(diagnostic_message(item))
        if message:
            argument = {"uri": uri, "range": item.get("range"), "diagnostics": [item], "subject": message}
            yield Offer(f"Copydesk: Fix {message}", QUICK_FIX, "copydesk.fix", argument, (item,))


def comment_offers(uri: str, document: "Document", language: str, at: LineRange, encoding: Any) -> Iterator[Offer]:
    first = max(0, at.start_line - MAX_BLOCK_LINES)
    if not any("copydesk" in document.line(line).lower() for line in range(first, at.end_line + 1)):
        return  # asked on every cursor move: most places cost no more than this
    last = at.end_line - 1 if at.end_line > at.start_line and at.end_column == 0 else at.end_line
    found = find_instruction(list(document.lines()), language, at.start_line, last)
    if found:
        place = client_range(document, found.range, encoding)
        argument = {"uri": uri, "range": place, "text": found.text, "comment": True}
        yield Offer("Copydesk: Do what this comment asks", QUICK_FIX, "copydesk.prompt", argument)


def rewrite_offers(uri: str, at: ClientRange, subject: str, *, fixes: bool = False) -> Iterator[Offer]:
    """`fixes`: also an offer to look for problems, where the client keeps those it knows to itself."""
    place = {
        "start": {"line": at.start_line, "character": at.start_units},
        "end": {"line": at.end_line, "character": at.end_units},
    }
    if fixes:
        title = f"Copydesk: Fix problems in {subject}" if subject else "Copydesk: Fix problems here"
        yield Offer(title, f"{REWRITE}.fix", "copydesk.fix", {"uri": uri, "range": place, "subject": subject})
    for verb, title in _REWRITES if subject else ():
        argument = {"uri": uri, "range": place, "subject": subject}
        yield Offer(title.format(subject), f"{REWRITE}.{verb}", f"copydesk.{verb}", argument)


def send_offers(uri: str, only: Sequence[str] | None) -> list[Offer]:
    """In a prompt document: one action, of a kind that the client asked for."""
    kind = next((kind for kind in (QUICK_FIX, "refactor", "source") if is_wanted(kind, only)), only[0] if only else "")
    return [Offer("Copydesk: Send", kind, "copydesk.send", {"uri": uri})]


def answer_offers(question: Waiting) -> Iterator[Offer]:
    for choice in question.choices:
        argument = {"question": str(question.number), "choice": choice}
        about = shortened(question.text.removeprefix("Copydesk: "))
        yield Offer(f"Copydesk: {choice} ({about})", QUICK_FIX, "copydesk.answer", argument)


def prompt_offer(prompt: Prompt) -> Offer:
    """From anywhere: some editors start a server for one language only, and a prompt document is not of it."""
    return Offer(f"Copydesk: Send {prompt.path.name} as it was saved", QUICK_FIX, "copydesk.send", {"uri": prompt.uri})


def client_range(document: "Document", at: LineRange, encoding: Any) -> JsonObject:
    def position(line: int, column: int) -> JsonObject:
        return {"line": line, "character": from_codepoints(document.line(line), column, encoding)}

    return {"start": position(at.start_line, at.start_column), "end": position(at.end_line, at.end_column)}


def find_comment_again(
    document: "Document", language: str, at: LineRange | None, text: str
) -> InstructionComment | None:
    """The comment an action was listed for: at its place, or where typing has moved it since."""
    lines = list(document.lines())
    if at is not None:
        there = find_instruction(lines, language, at.start_line, at.start_line)
        if there and text in ("", there.text):
            return there
    for number, line in enumerate(lines):
        if "copydesk" in line.lower():
            found = find_instruction(lines, language, number, number)
            if found and found.text == text:
                return found
    return None


def word_at(line: str, column: int) -> str:
    found = next((word.group() for word in _WORD.finditer(line) if word.start() <= column <= word.end()), "")
    return "" if found in _KEYWORDS else found


def _is_list(value: object) -> bool:
    return isinstance(value, list)
