"""Raw inbound bytes become one classified event; knows no database. Built by a later issue."""
