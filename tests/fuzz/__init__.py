"""Throw damaged mail at every parser of what comes back; `make fuzz` runs it, pytest only what it once found."""
