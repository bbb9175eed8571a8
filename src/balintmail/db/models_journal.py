"""Tables of the Journal: journal issues, articles, stock and the yearly despatch."""
