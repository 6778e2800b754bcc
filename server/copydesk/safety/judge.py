"""What rules, mode and risk say of a prepared call: allow, ask or deny.

Owns the order of things: deny rules, then what the mode cannot do, then ask rules, then allow rules and what the mode
does unasked. Pure: it asks nobody, reads no disk and keeps nothing. Start with `judge`; how dangerous a command is,
`risks` says, and what a rule matches, `rules`.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from copydesk.domain.frozen import frozen
from copydesk.domain.permissions import Mode, PermissionOption, PermissionRequest, Verdict
from copydesk.domain.risks import LEVELS, Judgement, RiskLevel, SimpleCommand, strictest
from copydesk.safety.places import Place, path_of
from copydesk.safety.risks import judge_command
from copydesk.safety.rules import Rule, Rules, exact_rule, matches_command, matches_name, matches_path

PLAN = "plan mode is read-only; copydesk.mode.set changes it. Describe the change instead, or ask the person."
NOBODY = "nobody is there to allow it; go on without running it, and say so at the end."
NO_SANDBOX = "no sandbox confines commands here, so nothing runs on the real tree. Go on without it, and say so."

OWN_COMMANDS = frozenset({"shell_output", "shell_stop"})
"""Tools that only reach commands which were judged when they began."""

MANY_OPTIONS: tuple[PermissionOption, ...] = ("allow_once", "allow_session", "allow_always", "reject_once")
FEW_OPTIONS: tuple[PermissionOption, ...] = ("allow_once", "reject_once")


@frozen
class _Case:
    """One request with all that is known of it."""

    request: PermissionRequest
    mode: Mode
    rules: Rules
    sandbox_works: bool
    place: Place
    judgement: Judgement | None


def judge(
    request: PermissionRequest,
    *,
    mode: Mode,
    rules: Rules,
    sandbox_works: bool,
    place: Place,
    may_ask: bool = True,
) -> Verdict:
    """`place` is where the command runs and what the workspace is. With `may_ask` False nobody is there: an ask is a
    deny. The verdict's request carries level, reason, options and what "always" would write.
    """
    judgement = None
    if request.command:
        judgement = judge_command(
            request.command, cwd=place.cwd, roots=place.roots, home=place.home, in_place=request.in_place
        )
    case = _Case(request, mode, rules, sandbox_works, place, judgement)
    verdict = _verdict(case)
    if verdict.outcome == "ask" and not may_ask:
        return Verdict("deny", verdict.request, f"{verdict.request.reason} {NOBODY}".strip())
    return verdict


def _verdict(case: _Case) -> Verdict:
    request, judged = case.request, case.judgement
    level: RiskLevel = judged.level if judged else request.level
    if rule := _first_match(case.rules.deny, case):
        return Verdict("deny", replace(request, level=level), f"the rule {rule.text} forbids it.")
    if refusal := _what_the_mode_refuses(case):
        return Verdict("deny", replace(request, level=level), refusal)
    if rule := _first_match(case.rules.ask, case):
        return _ask(case, level, f"The rule {rule.text} asks.", ())
    if request.asks:
        return _ask(case, level, request.asks, ())
    if judged is None:
        return _judge_call(case)
    return _judge_run(case, judged)


def _what_the_mode_refuses(case: _Case) -> str:
    request, judged = case.request, case.judgement
    if case.mode == "plan":
        changes = request.effect == "edit" or request.in_place
        runs = request.effect == "execute" and request.tool not in OWN_COMMANDS
        if changes or (runs and (judged is None or judged.level != "safe" or not judged.parsed)):
            return PLAN
    return NO_SANDBOX if request.in_place and not case.sandbox_works else ""


def _ask(case: _Case, level: RiskLevel, reason: str, remember: tuple[str, ...]) -> Verdict:
    options = MANY_OPTIONS if remember else FEW_OPTIONS
    request = replace(case.request, level=level, reason=reason, remember=remember, options=options)
    return Verdict("ask", request)


# --- command lines ---


def _judge_run(case: _Case, judged: Judgement) -> Verdict:
    request = replace(case.request, level=judged.level, reason=" ".join(judged.reasons))
    levels: list[RiskLevel] = [command.level for command in judged.commands]
    parts = strictest(*levels)
    together = LEVELS.index(judged.level) > LEVELS.index(parts)
    """More dangerous than any of its parts: what they do to one another, which no rule about a part can allow."""
    asking = [command for command in judged.commands if not _runs_unasked(case, command)]
    if not judged.parsed or judged.level == "critical" or (together and judged.level == "high"):
        return _ask(case, judged.level, request.reason, ())
    if not asking and (judged.commands or not request.in_place):
        return Verdict("allow", request)
    wanted = [exact_rule(command, in_place=request.in_place) for command in asking]
    remember = tuple(dict.fromkeys(rule for rule in wanted if rule is not None)) if all(wanted) else ()
    return _ask(case, judged.level, request.reason or _why(case), remember)


def _why(case: _Case) -> str:
    if case.request.in_place:
        return "It runs on the real tree."
    return "" if case.sandbox_works else "No sandbox confines commands here."


def _runs_unasked(case: _Case, command: SimpleCommand) -> bool:
    if command.level == "critical":
        return False
    if any(_allows(rule, command, case) for rule in (*case.rules.allow, *case.rules.granted)):
        return True
    if case.request.in_place or not case.sandbox_works:
        return False
    return command.level == "safe" or (case.mode == "auto" and command.level in ("low", "medium"))


def _allows(rule: Rule, command: SimpleCommand, case: _Case) -> bool:
    in_place = case.request.in_place
    if rule.kind == "Tool":
        return not in_place and command.level != "high" and matches_name(rule, case.request.tool)
    if in_place and rule.kind == "Bash" and rule not in case.rules.allow:
        return False
    if rule.kind == "InPlace" and not in_place:
        return False
    if (command.level == "high" or in_place) and not rule.is_exact:
        return False
    return matches_command(rule, command, strict=True)


# --- calls without a command line ---


def _judge_call(case: _Case) -> Verdict:
    request = case.request
    if request.effect in ("read", "ask", "edit") or request.tool in OWN_COMMANDS:
        return Verdict("allow", request)
    if any(_covers_call(rule, case) for rule in (*case.rules.allow, *case.rules.granted)):
        return Verdict("allow", request)
    names = _mcp_names(request.tool)
    rule = f"Mcp({names[0]}, {names[1]})" if names else f"Tool({request.tool})"
    remember = (rule,) if request.kind != "fetch" and not set(rule) & set("*?[\n") else ()
    return _ask(case, request.level, request.reason, remember)


def _covers_call(rule: Rule, case: _Case) -> bool:
    request = case.request
    match rule.kind:
        case "Tool":
            return matches_name(rule, request.tool)
        case "Mcp":
            names = _mcp_names(request.tool)
            return names is not None and matches_name(rule, *names)
        case "Network":
            host = _host_of(request.target) if request.kind == "fetch" else ""
            return bool(host) and matches_name(rule, host)
        case "Skill":
            return "skill" in request.tool and matches_name(rule, request.target)
        case _:
            return False


def _mcp_names(tool: str) -> tuple[str, str] | None:
    found = re.fullmatch(r"mcp__(.+?)__(.+)", tool, re.DOTALL)
    return (found[1], found[2]) if found else None


# --- rules that ask or forbid ---


def _first_match(rules: tuple[Rule, ...], case: _Case) -> Rule | None:
    return next((rule for rule in rules if _restricts(rule, case)), None)


def _restricts(rule: Rule, case: _Case) -> bool:
    """Whether a rule of the ask or deny list is about this request: when in doubt, it is."""
    commands = case.judgement.commands if case.judgement else ()
    match rule.kind:
        case "Bash":
            everything = rule.rest and not rule.words and bool(case.request.command)
            return everything or any(matches_command(rule, command, strict=False) for command in commands)
        case "InPlace":
            return case.request.in_place and any(matches_command(rule, command, strict=False) for command in commands)
        case "FileRead" | "FileWrite":
            return any(_touches(rule, path, case.place) for path in _paths(rule.kind == "FileWrite", case, commands))
        case "Network":
            hosts = [_host_of(word) for command in commands for word in command.words[1:]]
            return _covers_call(rule, case) or any(host and matches_name(rule, host) for host in hosts)
        case _:
            return _covers_call(rule, case)


def _touches(rule: Rule, path: str, place: Place) -> bool:
    spellings = {place.absolute(path), place.resolve(place.absolute(path))}
    return any(
        matches_path(rule, spelling, place.inside(spelling), place.home, below=True) for spelling in sorted(spellings)
    )


def _paths(writes: bool, case: _Case, commands: tuple[SimpleCommand, ...]) -> Iterator[str]:
    """What a call may read or write: the places it named, and every word of a command that can be a path."""
    request = case.request
    changes = request.effect == "edit" or request.kind in ("edit", "delete", "move")
    if writes == changes:
        yield from (path for uri in request.locations if (path := path_of(uri)) is not None)
    for command in commands:
        if not writes or command.level != "safe":
            yield from command.paths


def _host_of(text: str) -> str:
    """The host of a URL, of `host:path` or of `user@host`; empty when there is none."""
    found = re.match(r"(?:[a-z][a-z0-9+.-]*://)?(?:[^/@\s]*@)?(\[[0-9a-f:]+\]|[\w.-]+)", text, re.IGNORECASE)
    return found[1] if found else ""
