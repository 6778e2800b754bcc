"""Who serves models: each provider's wire, variables, host and default model, as data; and what a name means.

Knows no network. Start with `PROVIDERS`. `DEFAULT` models are what `auto` takes when only a key is known.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from copydesk.domain.errors import ConfigError, UnknownModel
from copydesk.domain.frozen import frozen

WireName: TypeAlias = Literal["openai_chat", "openai_responses", "anthropic", "gemini"]


@frozen
class Provider:
    """`base_url` is the provider's own address; empty when only a person can know it.

    `home` is the host that the key belongs to. `key_url` is where a person gets one. `version` is the path of a base
    URL that names none.
    """

    name: str
    title: str
    wire: WireName
    base_url: str
    key_variable: str
    url_variable: str
    needs_key: bool
    default_model: str = ""
    key_url: str = ""
    version: str = "v1"

    @property
    def how_to_set(self) -> str:
        """What a person does to have a key in place."""
        where = f" (get a key at {self.key_url})" if self.key_url else ""
        return f"Set {self.key_variable} in the environment that starts the editor{where}."


PROVIDERS: Mapping[str, Provider] = {
    provider.name: provider
    for provider in (
        Provider(
            name="openai",
            title="OpenAI",
            wire="openai_chat",
            base_url="https://api.openai.com/v1",
            key_variable="OPENAI_API_KEY",
            url_variable="OPENAI_BASE_URL",
            needs_key=True,
            default_model="gpt-5.6-terra",
            key_url="https://platform.openai.com/api-keys",
        ),
        Provider(
            name="anthropic",
            title="Anthropic",
            wire="anthropic",
            base_url="https://api.anthropic.com/v1",
            key_variable="ANTHROPIC_API_KEY",
            url_variable="ANTHROPIC_BASE_URL",
            needs_key=True,
            default_model="claude-sonnet-5-5",
            key_url="https://platform.claude.com/settings/keys",
        ),
        Provider(
            name="gemini",
            title="Gemini",
            wire="gemini",
            base_url="https://generativelanguage.googleapis.com/v1beta",
            key_variable="GEMINI_API_KEY",
            url_variable="GEMINI_BASE_URL",
            needs_key=True,
            default_model="gemini-flash-latest",
            key_url="https://aistudio.google.com/apikey",
            version="v1beta",
        ),
        Provider(
            name="deepseek",
            title="DeepSeek",
            wire="openai_chat",
            base_url="https://api.deepseek.com/v1",
            key_variable="DEEPSEEK_API_KEY",
            url_variable="DEEPSEEK_BASE_URL",
            needs_key=True,
            default_model="deepseek-flash",
            key_url="https://platform.deepseek.com/api_keys",
        ),
        Provider(
            name="ollama",
            title="Ollama",
            wire="openai_chat",
            base_url="http://127.0.0.1:11434/v1",
            key_variable="OLLAMA_API_KEY",
            url_variable="OLLAMA_HOST",
            needs_key=False,
        ),
        Provider(
            name="compat",
            title="the OpenAI-compatible server",
            wire="openai_chat",
            base_url="",
            key_variable="COMPAT_API_KEY",
            url_variable="COMPAT_BASE_URL",
            needs_key=False,
        ),
    )
}

NAMES = "openai/…, anthropic/…, gemini/…, deepseek/…, ollama/…, compat/…, editor/…, scripted:FILE, offline or auto"


def split_name(name: str) -> tuple[Provider, str]:
    """`provider/model` → both. The model may contain slashes. Raises `UnknownModel`."""
    prefix, _, model = name.partition("/")
    provider = PROVIDERS.get(prefix)
    if provider is None or not model.strip():
        raise UnknownModel(f"{name!r} names no model that Copydesk knows.", advice=f"Set model.name to {NAMES}.")
    return provider, model.strip()


def as_served(provider: Provider, url: str) -> Provider:
    """The provider as it is reached at this base URL: Google's OpenAI-compatible endpoint speaks another wire."""
    if provider.wire == "gemini" and url.removesuffix("/chat/completions").endswith("/openai"):
        return replace(provider, wire="openai_chat")
    return provider


def base_url(text: str, variable: str, version: str = "v1") -> str:
    """A base URL as people write it → one that a wire's path is put behind, with no slash at the end.

    `HOST:PORT` and `0.0.0.0` (as OLLAMA_HOST has them) are understood; an empty path means `/{version}`.
    Raises `ConfigError` naming where it was set.
    """
    url = text.strip()
    url = (url if "://" in url else f"http://{url}").rstrip("/")
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as exc:
        raise _bad_url(text, variable) from exc
    if parts.scheme not in ("http", "https") or not host:
        raise _bad_url(text, variable)
    if parts.query or parts.fragment:  # a key could stand there, and would go into logs: not even named
        raise ConfigError(
            f"{variable} has something behind a “?” or “#”, which no path can be put behind.",
            advice="Leave it out; a key goes into the provider's own …_API_KEY variable.",
        )
    if host == "0.0.0.0":  # an address to listen on, which clients cannot use everywhere
        url = url.replace("0.0.0.0", "127.0.0.1", 1)
    return url if parts.path else f"{url}/{version}"


def ollama_url(text: str) -> str:
    """OLLAMA_HOST as Ollama reads it: the port may be left out, and then is 11434 for plain http."""
    host = text.strip().rstrip("/")
    if "://" not in host:
        bare = host.rpartition("]")[2] if host.startswith("[") else host
        host = f"http://{host}" if ":" in bare else f"http://{host}:11434"
    return base_url(host, "OLLAMA_HOST")


def _bad_url(text: str, variable: str) -> ConfigError:
    return ConfigError(f"{variable} is {text!r}, which is not a URL.", advice="It looks like http://127.0.0.1:8080/v1.")
