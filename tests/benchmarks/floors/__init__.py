"""The least that a program of its kind can cost: a bare pygls server, a loop on the standard library, both together."""
