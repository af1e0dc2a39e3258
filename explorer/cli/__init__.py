"""The command line: one command per verb of ``pipeline``. Results on standard output, everything else on standard error."""

from .app import app
from .asking import export, list_, search, show, verify
from .base import main
from .benchmark import benchmark
from .comparing import compare
from .evaluating import evaluate
from .keeping import name_group, remove, rename, select
from .making import build, cluster, demo, embed, index, ingest, project
from .models import encoders, weights

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
