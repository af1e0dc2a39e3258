"""Encoders: pictures in, vectors out."""
