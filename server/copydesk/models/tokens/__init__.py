"""How large a request is: estimates for every tokenizer, exact counts where tiktoken's tables are on this machine.

Owns no prices, no windows and no network. Start with `counter.Counter`; `estimates` is the arithmetic of a text,
`costs` its numbers, `sizes` that of a message, `calibration` what providers' usage teaches, `exact` the worker with
tiktoken.
"""
