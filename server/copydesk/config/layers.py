"""Where settings come from, and which wins: argument > editor > environment > project > user > default.

A project file can only tighten: `restrict` drops or clamps what it may not set, and says so. Every problem is a
sentence that names the key, the value and what is allowed; the rest still loads.
"""

import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias, cast

from copydesk.config.settings import BY_KEY, CLIENT_ONLY, SETTINGS, Setting, Settings, Value, check
from copydesk.domain.frozen import frozen

Flat: TypeAlias = "dict[str, Value]"
PROJECT_FILE = ".copydesk/config.toml"
UNTRUSTED = "set it in the editor or in your own config.toml, or trust the folder (copydesk.workspace.trust)."


@frozen
class Loaded:
    """The settings in force, and sentences about what could not be used.

    `held_back` are the folders whose file says more than it may while the folder is not trusted.
    """

    settings: Settings
    problems: tuple[str, ...] = ()
    held_back: tuple[str, ...] = ()


def load(
    *,
    arguments: Mapping[str, Any] | None = None,
    editor: Mapping[str, Any] | None = None,
    env: Mapping[str, str] | None = None,
    project_roots: tuple[str, ...] = (),
    user_file: str | None = None,
    trusted: bool | Callable[[str], bool] = False,
) -> Loaded:
    """Reads and merges every layer. `project_roots` are folder paths; never raises for bad input.

    `trusted`: whether the person trusts the folder of that path, so that its file may loosen too.
    """
    problems: list[str] = []
    values: Flat = {setting.key: setting.default for setting in SETTINGS}
    sources: dict[str, str] = {}
    held_back: list[str] = []

    def lay(layer: Flat, source: str) -> None:
        values.update({key: _joined(BY_KEY[key], values[key], value) for key, value in layer.items()})
        sources.update(dict.fromkeys(layer, source))

    user = user_file if user_file is not None else str(user_config_path())
    lay(checked(read_toml(user, problems), user, problems), "user")
    for root in project_roots:
        path = str(Path(root) / PROJECT_FILE)
        layer = checked(read_toml(path, problems), path, problems)
        n_problems = len(problems)
        is_trusted = trusted if isinstance(trusted, bool) else trusted(root)
        lay(layer if is_trusted else restrict(layer, values, path, problems), "project")
        held_back += [root] if len(problems) > n_problems else []
    lay(checked(from_env(os.environ if env is None else env), "the environment", problems), "environment")
    lay(checked(flatten(editor or {}), "the editor's settings", problems), "editor")
    lay(checked(flatten(arguments or {}), "the command line", problems), "argument")
    return Loaded(Settings(values, sources), tuple(problems), tuple(held_back))


def _joined(setting: Setting, below: Value, value: Value) -> Value:
    if not setting.adds:
        return value
    return tuple(dict.fromkeys((*cast("tuple[str, ...]", below), *cast("tuple[str, ...]", value))))


def user_config_path() -> Path:
    """The user's own `config.toml`; `COPYDESK_CONFIG_DIR` moves it."""
    if override := os.environ.get("COPYDESK_CONFIG_DIR"):
        return Path(override) / "config.toml"
    from platformdirs import user_config_path as of

    return of("copydesk", appauthor=False) / "config.toml"


def models_path() -> Path:
    """The user's own `models.toml`, beside `config.toml`: what they say of models. A project has none."""
    return user_config_path().with_name("models.toml")


def state_path() -> Path:
    """The user's state directory: transcripts, prompt documents. `COPYDESK_STATE_DIR` moves it."""
    if override := os.environ.get("COPYDESK_STATE_DIR"):
        return Path(override)
    from platformdirs import user_state_path as of

    return of("copydesk", appauthor=False)


def data_path() -> Path:
    """The user's data directory: what was fetched and can be fetched again. `COPYDESK_DATA_DIR` moves it."""
    if override := os.environ.get("COPYDESK_DATA_DIR"):
        return Path(override)
    from platformdirs import user_data_path as of

    return of("copydesk", appauthor=False)


def read_toml(path: str, problems: list[str]) -> dict[str, Any]:
    """The file as dotted keys; empty when there is none. A broken file is a problem, never an error."""
    try:
        with open(path, "rb") as file:
            return flatten(tomllib.load(file))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.append(f"{path} cannot be read ({error}); its settings are ignored.")
        return {}


def flatten(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted keys from nested or dotted ones, with or without a `copydesk` wrapper."""
    flat: dict[str, Any] = {}
    for key, value in _leaves(raw, ""):
        flat[key.removeprefix("copydesk.")] = value
    return flat


def _leaves(raw: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in raw.items():
        dotted = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _leaves(cast("Mapping[str, Any]", value), f"{dotted}.")
        else:
            yield dotted, value


def from_env(env: Mapping[str, str]) -> dict[str, Any]:
    """`COPYDESK_HOVER_BUDGET_MS` → `hover.budgetMs`, for every key of the table."""
    names = {_env_name(setting.key): setting.key for setting in SETTINGS}
    return {key: env[name] for name, key in names.items() if env.get(name)}


def _env_name(key: str) -> str:
    words = "".join(f"_{char}" if char.isupper() else char for char in key)
    return "COPYDESK_" + words.replace(".", "_").upper()


def checked(raw: Mapping[str, Any], where: str, problems: list[str]) -> Flat:
    """The usable values of one layer; a sentence for each that is not."""
    usable: Flat = {}
    for key, value in raw.items():
        setting = BY_KEY.get(key)
        if setting is None:
            if key not in CLIENT_ONLY:
                problems.append(f"{key!r} in {where} is not a setting.{_nearest(key)}")
            continue
        result, problem = check(setting, value)
        if problem:
            problems.append(f"In {where}: {problem}")
        elif value is not None:
            usable[key] = result
    return usable


def _nearest(key: str) -> str:
    import difflib

    near = difflib.get_close_matches(key, BY_KEY, n=1)
    return f" Did you mean {near[0]!r}?" if near else " See docs/SETTINGS.md for the list."


def restrict(layer: Flat, below: Flat, path: str, problems: list[str]) -> Flat:
    """What a project file of a folder that is not trusted may set over the layers `below` it."""
    kept: Flat = {}
    for key, value in layer.items():
        setting = BY_KEY[key]
        if setting.project == "free" or (key == "model.name" and value == "offline"):
            kept[key] = value
        elif setting.project == "tighten":
            kept[key] = _tightened(setting, value, below[key])
            if kept[key] != value and setting.kind != "texts":
                problems.append(f"{path} may only tighten {key}: {value!r} is looser than {below[key]!r}, which stays.")
        else:
            problems.append(f"{path} may not set {key}: {UNTRUSTED}")
    return kept


def _tightened(setting: Setting, value: Value, below: Value) -> Value:
    """The stricter of the two. Lists add up; smaller numbers, `true` flags and earlier choices are stricter."""
    if setting.kind == "texts":
        return (*cast("tuple[str, ...]", below), *cast("tuple[str, ...]", value))
    if setting.kind == "flag":
        return bool(value) or bool(below)
    if below is None and setting.kind == "choice":
        return None if value == setting.allowed[-1] else value
    if below is None:
        return value
    if setting.kind == "choice":
        return min(cast("str", value), cast("str", below), key=setting.allowed.index)
    return min(cast("float", value), cast("float", below))
