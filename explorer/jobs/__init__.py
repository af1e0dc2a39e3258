"""Verbs in processes of their own."""

from .jobs import FOLDER, Job, State, cancel, find, jobs, remove, resume, start, write_progress

__all__ = ["FOLDER", "Job", "State", "cancel", "find", "jobs", "remove", "resume", "start", "write_progress"]
