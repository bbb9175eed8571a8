"""The only SQL of the house: the schema, the connection, and one file of queries per noun."""
