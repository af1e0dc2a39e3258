"""The encoders: one record each. Facts from the publishers' model cards and loading code."""

from __future__ import annotations

from .records import baselines, external, gated, open_weights
from .records.shared import APACHE
from .spec import EncoderSpec

DESCRIPTOR = EncoderSpec(
    name="descriptor",
    title="Stain and texture descriptor (no weights)",
    loader="descriptor",
    dim=878,
    parameters_m=0.0,
    mean=(0.0, 0.0, 0.0),
    std=(1.0, 1.0, 1.0),
    paper="This project: for demonstrations without a download, and as a baseline",
    **APACHE,
)

TABLE = (DESCRIPTOR, *open_weights.RECORDS, *baselines.RECORDS, *gated.RECORDS, *external.RECORDS)
