"""Verdicts about tool calls by mode and rule. Knows no agent and no editor."""
