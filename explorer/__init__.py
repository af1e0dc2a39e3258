"""Embed histology with pathology foundation models, search it, map it, and judge the models."""
