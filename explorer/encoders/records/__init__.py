"""The records of the table, one module per kind of access to the weights."""
