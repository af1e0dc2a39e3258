"""The verbs that judge an embedding."""
