"""The command line's grammar. Knows nothing but argv."""

import argparse
from collections.abc import Sequence

from copydesk import __version__
from copydesk.domain.frozen import frozen
from copydesk.domain.permissions import MODES


@frozen
class Options:
    """One parsed command line; fields a verb does not have keep their defaults."""

    verb: str
    task: str = ""
    cwd: str = "."
    model: str | None = None
    mode: str | None = None
    apply: bool = False
    json: bool = False
    max_steps: int | None = None
    tcp: str | None = None
    schema: str | None = None
    check: str | None = None
    image: tuple[str, ...] = ()
    fetch_tokenizers: bool = False


def parse(argv: Sequence[str]) -> Options:
    """Reads argv. Prints and exits as argparse does for --help, --version and mistakes."""
    found = vars(_parser().parse_args(argv))
    return Options(**{key: value for key, value in found.items() if key in Options.__dataclass_fields__})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="copydesk",
        description="A coding agent behind the Language Server Protocol.",
        epilog="Editors start `copydesk serve`. Without a key or a local model, the built-in offline model works.",
    )
    parser.add_argument("--version", action="version", version=f"copydesk {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    serve = verbs.add_parser("serve", help="run the language server (stdio unless --tcp)")
    where = serve.add_mutually_exclusive_group()
    where.add_argument("--stdio", action="store_true", help="speak over standard input and output (the default)")
    where.add_argument("--tcp", metavar="HOST:PORT", help="listen on a loopback address for one client")
    _add_run(verbs.add_parser("run", help="do one task here, without an editor, and print the diff"))
    models = verbs.add_parser("models", help="list the models that can be used, and why others cannot")
    models.add_argument("--json", action="store_true", help="print JSON")
    models.add_argument(
        "--check", nargs="?", const="", metavar="P/M", help="prove with a few requests that a model can do the work"
    )
    models.add_argument("--fetch-tokenizers", action="store_true", help="download tiktoken's tables for exact counts")
    doctor = verbs.add_parser("doctor", help="check this installation and say what is missing")
    doctor.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _add_run(run: argparse.ArgumentParser) -> None:
    run.add_argument("task", metavar="TASK", help='what to do, e.g. "add a docstring to parse in cli.py"')
    run.add_argument("--cwd", default=".", metavar="DIR", help="the workspace (default: the current directory)")
    run.add_argument("--model", metavar="P/M", help="provider/model, or offline, or auto")
    run.add_argument("--mode", choices=MODES, help="what may happen unasked")
    run.add_argument("--apply", action="store_true", help="write the edits to the files")
    run.add_argument("--json", action="store_true", help="print the session's events as JSON lines")
    run.add_argument("--schema", metavar="FILE", help="answer with one JSON object that fits this JSON Schema")
    run.add_argument("--image", action="append", default=[], metavar="FILE", help="an image for the model to look at")
    run.add_argument("--max-steps", type=_positive, metavar="N", help="most model requests")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number
