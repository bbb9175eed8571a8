"""Raw inbound bytes become one classified event; knows no database. services act on it."""
