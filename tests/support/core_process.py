"""A process that serves the core with the demo methods of the core's tests: `python -m tests.support.core_process`.

With an argument HOST:PORT it serves TCP instead.
"""

import sys


def main() -> None:
    from copydesk.lsp.entry import serve_stdio, serve_tcp

    def make(token: str | None = None):  # noqa: ANN202
        from tests.support.demo_server import demo_server

        return demo_server(token=token, strict=token is not None)

    code = serve_tcp(sys.argv[1], make) if len(sys.argv) > 1 else serve_stdio(make)
    from copydesk.lsp.lifecycle import end_process

    end_process(code)


if __name__ == "__main__":
    main()
