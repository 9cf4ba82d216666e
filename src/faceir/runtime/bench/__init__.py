"""How long a model takes: `targets` makes what is timed, `timing` times and compares, `machine` says on what."""
