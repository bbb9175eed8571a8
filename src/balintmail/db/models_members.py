"""Tables of members: their classes, periods, dues, and the yearly round of details."""
