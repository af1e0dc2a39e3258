"""Jobs: verbs that run in their own processes, a few at a time."""

from .control import cancel, remove, requeue, resume, start
from .job import FOLDER, PID, PROGRESS, Job, State, find, jobs, waiting, write_progress

__all__ = [
    "FOLDER",
    "PID",
    "PROGRESS",
    "Job",
    "State",
    "cancel",
    "find",
    "jobs",
    "remove",
    "requeue",
    "resume",
    "start",
    "waiting",
    "write_progress",
]
