"""The command line's verbs, a file each: parse, call one room, print. Heavy imports wait inside the functions."""
