"""The command line: one command per verb of ``pipeline``. Results on standard output, everything else on standard error."""

from .app import app
from .base import main
from .benchmark import benchmark
from .build import build, cluster, demo, embed, index, ingest, project
from .compare import compare
from .encoders import encoders, weights
from .evaluate import evaluate
from .manage import name_group, remove, rename, select
from .search import search
from .show import export, list_, show, verify

for _command in (
    demo,
    build,
    ingest,
    embed,
    index,
    project,
    cluster,
    search,
    evaluate,
    compare,
    show,
    list_,
    encoders,
    weights,
    verify,
    benchmark,
    export,
    rename,
    remove,
    select,
    name_group,
    app,
):
    main.add_command(_command)

__all__ = ["main"]
