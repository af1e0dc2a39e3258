"""The outermost level of a process: every error becomes one sentence, output never fails on its encoding, and files are private."""

from __future__ import annotations

import importlib.util
import io
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click
from platformdirs import user_cache_path

from ..errors import ExplorerError
from .progress import FILE_VARIABLE

MOST_CHARACTERS = 300
"""Maximal length of an error message in characters."""
_INTERRUPTED, _TERMINATED = 130, 143
"""Exit codes after SIGINT and SIGTERM, as in shells."""


class Terminated(KeyboardInterrupt):
    """The process received SIGTERM."""


@contextmanager
def prepared() -> Iterator[None]:
    """Create files for their owner only, print any character, and turn SIGTERM into an exception; all undone at the end."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    umask = os.umask(0o077)
    main_thread = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, _terminate) if main_thread else None
    try:
        yield
    finally:
        os.umask(umask)
        if main_thread:
            signal.signal(signal.SIGTERM, before)


@contextmanager
def sentences(*, debug: bool) -> Iterator[None]:
    """Print every error as one sentence on standard error; with ``debug`` raise it. In a job the traceback goes to the log."""
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
        raise  # click's own ways to end; of a closed pipe it says nothing
    except ExplorerError as error:
        if debug:
            raise
        _end(str(error))
    except KeyboardInterrupt as stop:
        _end("stopped; the same command goes on where it was.", code=_TERMINATED if isinstance(stop, Terminated) else _INTERRUPTED)
    except Exception as error:
        if debug:
            raise
        if FILE_VARIABLE in os.environ and not isinstance(error, OSError):
            traceback.print_exc()
        _end(_unforeseen(error))


def make_ready(home: Path) -> None:
    """Complete removals that were interrupted, and give numba a cache folder where it would have none."""
    if home.is_dir():
        from .. import storage

        storage.finish_removals(home)
    if "NUMBA_CACHE_DIR" not in os.environ and not _numba_has_a_cache():
        os.environ["NUMBA_CACHE_DIR"] = str(home.resolve() / ".cache" / "numba")


def _unforeseen(error: Exception) -> str:
    if isinstance(error, OSError):
        from ..storage import is_full

        if is_full(error):
            return "The disk is full; make room and run the same command again, it goes on where it was."
        where = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror or error}{where}; check that place and the space left on its disk."
    if isinstance(error, MemoryError):
        return "The memory of this machine is too small for this; close other programs or use fewer rows, and run it again."
    first_line = str(error).partition("\n")[0]
    what = f"{type(error).__name__}: {first_line[:120]}" if first_line else type(error).__name__
    return f"An error that was not expected ({what}); run it again as 'explorer --debug ...' to see where, and report it."


def _end(sentence: str, *, code: int = 1) -> None:
    text = " ".join(sentence.split())
    click.echo("explorer: " + (text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"), err=True)
    sys.exit(code)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


def _numba_has_a_cache() -> bool:
    """True if numba can write its cache of compiled code (UMAP), beside the source or in the user's cache folder; it fails
    without one.
    """
    found = importlib.util.find_spec("umap")
    if found is None or found.origin is None or os.access(Path(found.origin).parent, os.W_OK):
        return True
    try:
        user_cache_path("numba").mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return False
    return os.access(user_cache_path("numba"), os.W_OK)
