"""Tables of pages, documents, papers and the society's year."""
