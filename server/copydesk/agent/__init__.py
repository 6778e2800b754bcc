"""The loop: prompt, model stream, tool calls, results, until stop. Knows no files, HTTP or editors. Start with `loop`."""
