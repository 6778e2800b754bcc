"""The verbs of the command line, each wired to what it needs. Nothing heavy is imported before it is known which."""

import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from copydesk.cli.arguments import Options, parse
from copydesk.domain.errors import CopydeskError

if TYPE_CHECKING:
    from copydesk.agent.shaping import AnswerShape
    from copydesk.app.compose import Core
    from copydesk.domain.messages import Image

EXIT_ERROR = 1
EXIT_INTERRUPTED = 130
CHECKS_S = 1800.0
"""How long `run` waits for the checks of its edits: nobody would see what comes after its end."""


def run(argv: Sequence[str]) -> int:
    """Runs one command line; returns the exit code. Never prints a traceback for what a person can cause."""
    options = parse(argv)
    if options.verb == "serve":
        from copydesk.app.serve import serve

        return serve(options.tcp)
    verb = {"run": _run, "models": _models, "doctor": _doctor}[options.verb]
    gc.disable()  # a short-lived process: collecting costs more than it frees
    return anyio.run(_interruptible, verb, options)


async def _interruptible(verb: Callable[[Options], Awaitable[int]], options: Options) -> int:
    """Runs a verb; the first interrupt cancels it and gives 130."""
    code = EXIT_INTERRUPTED

    async def watch() -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                group.cancel_scope.cancel()
                return

    async with anyio.create_task_group() as group:
        if os.name != "nt":
            group.start_soon(watch)
        try:
            code = await verb(options)
        except CopydeskError as error:  # here, before a task group wraps it
            _say("error", str(error))
            code = EXIT_ERROR
        group.cancel_scope.cancel()
    return code


async def _run(options: Options) -> int:
    from copydesk.app.compose import compose
    from copydesk.cli.asking import terminal_asker
    from copydesk.cli.disk_editor import DiskEditor
    from copydesk.cli.run import run_task
    from copydesk.domain.permissions import mode_of
    from copydesk.workspace.uris import to_uri

    root, asker, shape = _folder(options.cwd), terminal_asker(), _shape(options.schema)
    images = _read_images(options.image)
    arguments: dict[str, object] = {"review.mode": "apply", "verify.waitS": CHECKS_S}
    if options.model:
        arguments["model.name"] = options.model
    if options.max_steps:
        arguments["budget.maxSteps"] = options.max_steps
    core = compose(
        roots=(to_uri(str(root)),),
        editor=lambda workspace: DiskEditor(lambda: workspace, _say, asker.choose if asker else None),
        arguments=arguments,
        offers=options.apply,
        asker=asker,
        say=_say,
    )
    for problem in core.configuration.problems:
        _say("warning", problem)
    async with core.running():
        mode = mode_of(options.mode) if options.mode else None
        return await run_task(
            core.host, core.workspace, options.task, mode=mode, as_json=options.json, shape=shape, images=images
        )


def _read_images(paths: Sequence[str]) -> "tuple[Image, ...]":
    """Any file that the person names; one that cannot be used ends the run before it begins."""
    if not paths:
        return ()
    from copydesk.services.images import locate_anywhere, read_images

    return read_images(paths, locate_anywhere)


def _shape(path: str | None) -> "AnswerShape | None":
    """The shape of the answer that `--schema` names; a schema that cannot be used ends the run before it begins."""
    if path is None:
        return None
    import json

    from copydesk.agent.shaping import AnswerShape

    advice = "Give a file with a JSON Schema of an object."
    try:
        return AnswerShape(json.loads(Path(path).read_text(encoding="utf-8-sig")))
    except OSError as error:
        raise CopydeskError(f"--schema {path!r}: {error.strerror}.", advice=advice) from error
    except (ValueError, RecursionError) as error:
        raise CopydeskError(f"--schema {path!r} is not JSON: {error}.", advice=advice) from error


def _folder(text: str) -> Path:
    try:
        root = Path(text).resolve()
    except OSError as error:  # the current folder is deleted; a loop of links
        raise CopydeskError(f"--cwd {text!r}: {error.strerror}.", advice="Give the root of a source tree.") from error
    if not root.is_dir():
        raise CopydeskError(f"--cwd {str(root)!r} is not a folder.", advice="Give the root of a source tree.")
    return root


async def _models(options: Options) -> int:
    from copydesk.cli.reports import print_models
    from copydesk.models.selection import Models

    core = _here()
    if options.check is not None:
        return await _check(core, options)
    models = core.models
    assert isinstance(models, Models)
    if options.fetch_tokenizers:
        return await _fetch_tokenizers(core, options)
    async with core.running():
        infos = await models.available()
        try:
            chosen, problems = (await models.resolve()).name, ()
        except CopydeskError as error:
            chosen, problems = "", (str(error),)
        print_models(infos, chosen, (*problems, *models.knowledge.problems), as_json=options.json)
    return 0 if chosen else EXIT_ERROR


async def _check(core: "Core", options: Options) -> int:
    from copydesk.app.certification import certified
    from copydesk.cli.reports import ignore_check, print_certificate, print_check

    async with core.running():
        tell = ignore_check if options.json else print_check
        try:
            certificate, cost = await certified(core, options.check or None, tell)
        except CopydeskError as error:  # here, before a task group wraps it
            _say("error", str(error))
            return EXIT_ERROR
    print_certificate(certificate, cost, as_json=options.json)
    return 0 if certificate.works else EXIT_ERROR


async def _fetch_tokenizers(core: "Core", options: Options) -> int:
    from copydesk.cli.reports import print_fetched

    async with core.outward.door:
        print_fetched([one async for one in core.outward.counting.fetch(core.outward.door)], as_json=options.json)
    return 0


async def _doctor(options: Options) -> int:
    from copydesk.app.doctor import findings
    from copydesk.cli.reports import print_findings

    core = _here()
    async with core.running():
        return print_findings(await findings(core), as_json=options.json)


def _here() -> "Core":
    from copydesk.app.compose import compose
    from copydesk.cli.disk_editor import DiskEditor
    from copydesk.workspace.uris import to_uri

    root = to_uri(str(_folder(".")))
    return compose(roots=(root,), editor=lambda workspace: DiskEditor(lambda: workspace, _say))


def _say(level: str, text: str) -> None:
    prefix = {"info": "", "error": "copydesk: "}.get(level, f"copydesk: {level}: ")
    from copydesk.text.terminal import plain_lines  # what a server said may be in it

    print(plain_lines(prefix + text), file=sys.stderr)
