"""The command line: one small module per command group; each reads its input, calls a room behind it, shows the result."""
