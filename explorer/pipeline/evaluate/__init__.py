"""The verbs that evaluate embeddings."""
