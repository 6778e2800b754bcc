"""The offline model's jobs over real source: the standard library and what is installed beside it."""
