"""Tables of the archive: what is searched, errata, newsletters of earlier years."""
