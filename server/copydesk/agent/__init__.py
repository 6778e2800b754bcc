"""The loop: prompt, model stream, tool calls, results, until stop. Knows no files and no editors. Start with `loop`."""
