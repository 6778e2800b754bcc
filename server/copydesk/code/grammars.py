"""Which language a file is in, and its tree-sitter grammar with the queries that find definitions.

Owns the official grammar packages, imported on first use: nothing is fetched. Knows no files. Start with `grammar_for`.
"""

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Language, Parser, Query

EXTENSIONS = {
    "py": "python",
    "pyi": "python",
    "pyw": "python",
    "js": "javascript",
    "mjs": "javascript",
    "cjs": "javascript",
    "jsx": "javascript",
    "ts": "typescript",
    "mts": "typescript",
    "cts": "typescript",
    "tsx": "tsx",
    "rs": "rust",
    "go": "go",
}

_PYTHON = """
(function_definition name: (identifier) @name) @function
(class_definition name: (identifier) @name) @class
(module (expression_statement (assignment left: (identifier) @name) @variable))
(module (expression_statement (assignment left: (pattern_list (identifier) @name)) @variable))
(class_definition body: (block (expression_statement (assignment left: (identifier) @name) @field)))
(type_alias_statement left: (type (identifier) @name)) @type
"""
_JAVASCRIPT = """
(function_declaration name: (_) @name) @function
(generator_function_declaration name: (_) @name) @function
(class_declaration name: (_) @name) @class
(method_definition name: (_) @name) @method
(variable_declarator name: (identifier) @name value: [(arrow_function) (function_expression)]) @function
(program (lexical_declaration (variable_declarator name: (identifier) @name) @variable))
(program (variable_declaration (variable_declarator name: (identifier) @name) @variable))
(program (export_statement (lexical_declaration (variable_declarator name: (identifier) @name) @variable)))
"""
_TYPESCRIPT = (
    _JAVASCRIPT
    + """
(abstract_class_declaration name: (_) @name) @class
(interface_declaration name: (_) @name) @interface
(type_alias_declaration name: (_) @name) @type
(enum_declaration name: (_) @name) @enum
(internal_module name: (_) @name) @module
(function_signature name: (_) @name) @function
(method_signature name: (_) @name) @method
(abstract_method_signature name: (_) @name) @method
(public_field_definition name: (_) @name) @field
"""
)
_RUST = """
(function_item name: (_) @name) @function
(function_signature_item name: (_) @name) @function
(struct_item name: (_) @name) @struct
(union_item name: (_) @name) @struct
(enum_item name: (_) @name) @enum
(trait_item name: (_) @name) @trait
(impl_item type: (_) @name) @impl
(mod_item name: (_) @name) @module
(const_item name: (_) @name) @constant
(static_item name: (_) @name) @variable
(type_item name: (_) @name) @type
(macro_definition name: (_) @name) @macro
"""
_GO = """
(function_declaration name: (_) @name) @function
(method_declaration name: (_) @name) @method
(type_spec name: (_) @name) @type
(type_alias name: (_) @name) @type
(source_file (const_declaration (const_spec name: (_) @name) @constant))
(source_file (var_declaration (var_spec name: (_) @name) @variable))
(source_file (var_declaration (var_spec_list (var_spec name: (_) @name) @variable)))
"""

_QUERIES = {
    "python": _PYTHON,
    "javascript": _JAVASCRIPT,
    "typescript": _TYPESCRIPT,
    "tsx": _TYPESCRIPT,
    "rust": _RUST,
    "go": _GO,
}


@dataclass(slots=True)
class Grammar:
    """One language. `lock` guards the parser, which is not for several threads at once."""

    name: str
    language: "Language"
    parser: "Parser"
    definitions: "Query"
    lock: threading.Lock = field(default_factory=threading.Lock)


def language_of(uri: str) -> str | None:
    """The language by the file's extension; None when there is no grammar for it."""
    name = uri.rpartition("/")[2]
    return EXTENSIONS.get(name.rpartition(".")[2].lower()) if "." in name else None


def grammar_for(uri: str) -> Grammar | None:
    language = language_of(uri)
    return None if language is None else load(language)


@functools.cache
def load(language: str) -> Grammar:
    from tree_sitter import Language, Parser, Query

    loaded = Language(_capsules()[language]())
    return Grammar(language, loaded, Parser(loaded), Query(loaded, _QUERIES[language]))


def _capsules() -> dict[str, Callable[[], object]]:
    """Language → what its grammar package exports, imported only when it is called."""
    return {
        "python": lambda: _import("tree_sitter_python", "language"),
        "javascript": lambda: _import("tree_sitter_javascript", "language"),
        "typescript": lambda: _import("tree_sitter_typescript", "language_typescript"),
        "tsx": lambda: _import("tree_sitter_typescript", "language_tsx"),
        "rust": lambda: _import("tree_sitter_rust", "language"),
        "go": lambda: _import("tree_sitter_go", "language"),
    }


def _import(module: str, function: str) -> object:
    import importlib

    return getattr(importlib.import_module(module), function)()
