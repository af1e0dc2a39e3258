"""Starting long work from a page: each is a command of the command line, run as a job."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from .. import jobs
from ..collection import RECORD, Collection, checked_name
from ..errors import Busy, InputError
from ..jobs import Job
from . import state


def build(source: str, *, name: str, encoder: str) -> Job:
    """Make a collection. ``source`` is a path on this server or ``synthetic``. Raises ``InputError`` for a name that is taken."""
    name = free_name(name)
    return _start(["build", "--name", name, "--encoder", encoder, source], f"Making {name}")


def demo() -> Job:
    """Make the collection of drawn tissue."""
    return _start(["demo", "--name", free_name("demo")], "Making demo")


def step(command: str, collection: str, *, title: str, **options: Any) -> Job:
    """Run a step on a collection; options are those of the command line, by name."""
    given = [word for name, value in options.items() if value is not None for word in (f"--{name.replace('_', '-')}", str(value))]
    return _start([command, *given, collection], title)


def go_on(opened: Collection) -> Job:
    """Do what is left to do of a collection whose making was stopped."""
    encoder = (opened.encoder_names() or ["descriptor"])[0]
    source = str(opened.record["source"]["uri"])
    return _start(["build", "--name", opened.name, "--encoder", encoder, source], f"Finishing {opened.name}")


def check_idle(collection: str) -> None:
    """Raises ``Busy`` while a job works on the collection."""
    if running(collection):
        raise Busy(f"{collection!r} is being worked on; wait for that, or stop it first.")


def collection_of(job: Job) -> str:
    """The collection a job works on."""
    command = job.command
    return command[command.index("--name") + 1] if "--name" in command else command[-1]


def running(collection: str | None = None) -> list[Job]:
    """Jobs that run, of one collection or of all."""
    found = [job for job in jobs.jobs(state.settings().home) if job.state() == "running"]
    return [job for job in found if collection in (None, collection_of(job))]


def free_name(name: str) -> str:
    """The name without blanks around it. Raises ``InputError`` where it cannot name a new collection."""
    name = checked_name(name.strip())
    if (state.settings().home / name / RECORD).is_file() or any(collection_of(job) == name for job in running()):
        raise InputError(f"There is a collection {name!r} already; choose another name.")
    return name


def allowed_path(text: str) -> Path:
    """A place on the server that collections may be made from. Raises ``InputError``."""
    roots = state.settings().allowed_roots
    path = Path(text.strip()).expanduser()
    path = (path if path.is_absolute() else roots[0] / path).resolve()
    if not any(path.is_relative_to(root) for root in roots):
        raise InputError("This place is not among those that may be read; whoever runs the server can allow it by EXPLORER_ALLOWED_ROOTS.")
    if not path.exists() or not os.access(path, os.R_OK):
        raise InputError("There is nothing at this place on the server, or it may not be read; check the spelling.")
    return path


def _start(command: list[str], title: str) -> Job:
    return jobs.start(state.settings().home, command, title=title)
