"""The Language Server Protocol face; owns every pygls and lsprotocol import. Start with `server`."""
