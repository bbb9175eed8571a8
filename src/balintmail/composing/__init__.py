"""A mailing and a person become the bytes of one message; knows no database and no network."""
