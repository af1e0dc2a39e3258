"""The command line: one command per verb of ``pipeline``. Results on standard output, everything else on standard error."""

from .annotate import annotate, history, select, selections, undo
from .app import app
from .base import main
from .benchmark import benchmark
from .build import build, cluster, demo, embed, index, ingest, project
from .compare import compare
from .encoders import encoders, weights
from .evaluate import evaluate
from .inspect import inspect
from .manage import name_group, remove, rename
from .search import search
from .show import export, list_, show, verify

for _command in (
    demo,
    build,
    inspect,
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
    selections,
    annotate,
    history,
    undo,
    name_group,
    app,
):
    main.add_command(_command)

__all__ = ["main"]
