"""The truth of files: disk, overlay, pending, snapshot; jail, ignore rules, search. Start with `workspace`."""
