"""Weight files that lie on the Hugging Face hub."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from ..errors import WeightsMissing
from ..types import Progress, Report
from .spec import EncoderSpec


def download(spec: EncoderSpec, path: Path, report: Report) -> str:
    """Bring the file of ``spec.hub_id`` to ``path``; return its address. Raises ``WeightsMissing``."""
    from huggingface_hub import hf_hub_download, hf_hub_url
    from huggingface_hub.errors import EntryNotFoundError, GatedRepoError, RepositoryNotFoundError

    report(Progress("weights", 0, spec.download_bytes, unit="bytes", note=f"fetching {spec.hub_id} from the Hugging Face hub"))
    url = hf_hub_url(spec.hub_id, spec.hub_file)
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".hub-") as folder:
            shutil.move(hf_hub_download(spec.hub_id, spec.hub_file, local_dir=folder), path)
    except (GatedRepoError, RepositoryNotFoundError) as error:  # the hub hides gated repositories from strangers
        raise WeightsMissing(
            f"{spec.title} is given out by its publisher on request: ask at https://huggingface.co/{spec.hub_id}, "
            f"then set HF_TOKEN (or run 'hf auth login') and try again, or {by_hand}."
        ) from error
    except (EntryNotFoundError, OSError) as error:
        raise WeightsMissing(
            f"{spec.name} has no weights at {path} and the Hugging Face hub was not reached ({error}); {by_hand}."
        ) from error
    return url
