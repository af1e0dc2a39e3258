"""The records of the table, by how their weights can be had."""
