"""The training module's commands, one a file: each adds its own parser and runs with what it parsed."""
