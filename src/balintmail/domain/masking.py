"""Show an address to somebody who may not be its owner: enough to recognise one's own, too little to learn another's.

A forwarded newsletter brings its reader to the pages of whoever forwarded it (standards 3.2).
"""

DOTS = "•" * 5  # always as many, so that the length of the name tells nothing


def masked(address: str) -> str:
    """Return `m•••••@example.org` for `maria@example.org`; a name of one letter is hidden whole."""
    local, mark, domain = address.rpartition("@")
    if not mark:
        return DOTS
    return f"{local[0] if len(local) > 1 else ''}{DOTS}@{domain}"
