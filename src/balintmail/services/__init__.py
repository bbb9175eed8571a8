"""The use-cases. They own the transactions and are the only room that joins rooms."""
