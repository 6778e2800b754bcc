"""Model servers as people run them at home, on loopback: what Ollama, llama.cpp, vLLM, LM Studio and OpenRouter answer.

The bodies are cut down from what the real ones send. Each also plays a script as Chat Completions, so that a turn and a
certification can run against it. `async with LocalServer(ollama()) as server`, then `server.url`, `server.asked`.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from copydesk.models.script import Script
from tests.support.model_server import ModelServer

Answers: TypeAlias = dict[str, "dict[str, Any] | Callable[[Any], dict[str, Any] | None]"]


class LocalServer(ModelServer):
    """`answers` maps a path to its JSON, or to a function of what was posted; None is a 404."""

    def __init__(self, answers: Answers, script: Script | None = None) -> None:
        super().__init__(script or Script.parse("text: Hello\nloop"), answers=answers)

    def tell(self, answers: Answers) -> None:
        """What it says from now on."""
        self._answers = answers

    @property
    def asked(self) -> list[str]:
        """The paths that were asked about the model, in order."""
        return [seen.path for seen in self.requests if not seen.path.endswith("/chat/completions")]


def ollama(
    model: str = "qwen3:8b",
    *,
    trained: int = 40_960,
    loaded: int | None = None,
    num_ctx: int | None = None,
    can: tuple[str, ...] = ("completion", "tools", "thinking"),
    more: Mapping[str, Any] | None = None,
) -> Answers:
    """Ollama 0.12: `/api/show` says what the model could have, `/api/ps` what is loaded."""
    family = model.partition(":")[0].rstrip("0123456789.")
    shown: dict[str, Any] = {
        "parameters": f'num_ctx                        {num_ctx}\nstop                           "<|im_end|>"'
        if num_ctx
        else "temperature                    0.6",
        "details": {"family": family, "parameter_size": "8.2B", "quantization_level": "Q4_K_M"},
        "model_info": {
            "general.architecture": family,
            f"{family}.context_length": trained,
            f"{family}.block_count": 36,
        },
        "capabilities": list(can),
        **(more or {}),
    }
    running = [{"name": model, "model": model, "size": 6_000_000_000, "context_length": loaded}] if loaded else []
    return {
        "/api/tags": {"models": [{"name": model, "model": model}]},
        "/api/show": lambda posted: shown if posted.get("model") == model else None,
        "/api/ps": {"models": running},
    }


def llama_cpp(model: str = "qwen3.gguf", *, n_ctx: int = 8_192, trained: int = 40_960, tools: bool = True) -> Answers:
    """llama-server, build b8681: one model whatever it is called."""
    return {
        "/v1/models": {
            "object": "list",
            "data": [{"id": model, "object": "model", "owned_by": "llamacpp", "meta": {"n_ctx_train": trained}}],
        },
        "/props": {
            "default_generation_settings": {"id": 0, "n_ctx": n_ctx, "params": {}},
            "total_slots": 4,
            "model_path": f"/models/{model}",
            "modalities": {"vision": True, "audio": False},
            "chat_template_caps": {"supports_tools": tools, "supports_parallel_tool_calls": tools},
        },
    }


def vllm(model: str = "Qwen/Qwen3-32B", *, longest: int = 32_768) -> Answers:
    row = {"id": model, "object": "model", "owned_by": "vllm", "root": model, "max_model_len": longest}
    return {"/v1/models": {"object": "list", "data": [row]}}


def lm_studio(
    model: str = "qwen3-8b", *, loaded: int | None = 8_192, most: int = 131_072, kind: str = "llm"
) -> Answers:
    """LM Studio 0.3: the OpenAI list says nothing of windows, its own does."""
    own: dict[str, Any] = {"id": model, "type": kind, "state": "loaded" if loaded else "not-loaded"}
    own |= {"max_context_length": most, "capabilities": ["tool_use"]}
    own |= {"loaded_context_length": loaded} if loaded else {}
    other = {"id": "text-embedding-nomic", "object": "model", "owned_by": "organization_owner"}
    return {
        "/v1/models": {"data": [{"id": model, "object": "model", "owned_by": "organization_owner"}, other]},
        "/api/v0/models": {"object": "list", "data": [own, {"id": "text-embedding-nomic", "type": "embeddings"}]},
    }


def openrouter(model: str = "qwen/qwen3-coder", **more: Any) -> Answers:
    row: dict[str, Any] = {
        "id": model,
        "context_length": 262_144,
        "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]},
        "pricing": {
            "prompt": "0.00000022",
            "completion": "0.00000095",
            "input_cache_read": "0.00000002",
            "request": "0",
        },
        "top_provider": {"context_length": 131_072, "max_completion_tokens": 32_768},
        "supported_parameters": ["max_tokens", "tools", "tool_choice", "structured_outputs", "response_format"],
    }
    return {"/v1/models": {"data": [row | more]}}
