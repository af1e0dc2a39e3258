"""Verbs in processes of their own."""

from .jobs import FOLDER, PID, PROGRESS, Job, State, cancel, find, jobs, remove, resume, start, write_progress

__all__ = ["FOLDER", "PID", "PROGRESS", "Job", "State", "cancel", "find", "jobs", "remove", "resume", "start", "write_progress"]
