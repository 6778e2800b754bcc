"""Every use of a name in a project, with what jedi leaves out: keyword arguments in other modules, short names.

Start with `references`.
"""

# jedi's internals have no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportPrivateUsage=false, reportUnknownParameterType=false, reportMissingParameterType=false

import functools
from collections.abc import Iterator
from typing import Any

from copydesk.code.scopes import COMPREHENSIONS, FUNCTIONS, Names, is_plain


def references(script: Any, line: int, column: int) -> list[Any]:
    """jedi `Name`s, builtins left out, in no order. Line 1-based."""
    _search_short_names_too()
    local = _local_uses(script, line, column)
    if local:
        return local
    names = script.get_references(line, column, include_builtins=False)
    if any(name.type == "param" for name in names):
        names = [*names, *_keyword_arguments(script, names)]
    return names


@functools.cache
def _search_short_names_too() -> None:
    from jedi.inference import references as module

    def containing(inference_state: Any, contexts: Any, name: str, limit_reduction: int = 1) -> Iterator[Any]:
        yield from (context for context in contexts if not context.is_compiled())
        ios = module._find_project_modules(inference_state, contexts)
        yield from module.search_in_file_ios(inference_state, ios, name, limit_reduction=limit_reduction)

    replaced: Any = module
    replaced.get_module_contexts_containing_name = containing


def _local_uses(script: Any, line: int, column: int) -> list[Any]:
    """Of a function's own variable: by scope alone, for jedi follows the flow of values and so loses uses of names."""
    from jedi.api.classes import Name

    syntax = _syntax_of("".join(script._code_lines))
    if syntax is None:
        return []
    leaf = syntax.leaf_at(line - 1, column)
    if leaf is None or leaf.type != "identifier" or not is_plain(leaf):
        return []
    names = Names(syntax)
    meaning = names.meaning(leaf)
    if meaning is None or meaning.scope.type not in FUNCTIONS | COMPREHENSIONS:
        return []
    if any(binding.kind != "variable" for binding in meaning.bindings):
        return []
    context, found = script._get_module_context(), list[Any]()
    for node in names.uses(meaning):
        row, start = syntax.position_at(node.start_byte)
        place = script._module_node.get_name_of_position((row + 1, start))
        if place is None:
            return []
        found.append(Name(script._inference_state, context.create_name(place)))
    return found


def _syntax_of(text: str) -> Any:
    from copydesk.code.grammars import grammar_for
    from copydesk.code.syntax import parse
    from copydesk.domain.ports import FileHandle

    uri = "file:///subject.py"
    grammar = grammar_for(uri)
    return parse(FileHandle(uri, text, ""), grammar) if grammar is not None else None


def _keyword_arguments(script: Any, names: list[Any]) -> list[Any]:
    """`f(name=…)` in other modules: jedi looks for a parameter in its own module only."""
    from jedi.api.classes import Name
    from jedi.inference import references as module

    state = script._inference_state
    own = {name._name.tree_name for name in names}
    contexts = [script._get_module_context()]
    found: list[Any] = []
    for context in module.get_module_contexts_containing_name(state, contexts, names[0].name):
        if context is contexts[0]:
            continue
        for leaf in context.tree_node.get_used_names().get(names[0].name, []):
            if _is_keyword(leaf) and any(other.tree_name in own for other in module._find_names(context, leaf)):
                found.append(Name(state, context.create_name(leaf)))
    return found


def _is_keyword(leaf: Any) -> bool:
    parent = leaf.parent
    return parent.type == "argument" and parent.children[0] is leaf and parent.children[1] == "="
