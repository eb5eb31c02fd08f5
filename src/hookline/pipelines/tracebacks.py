"""A job's traceback without the frames that interception put into it."""

from __future__ import annotations

import os
from types import TracebackType

import hookline

_OURS = os.path.join(os.path.dirname(os.path.abspath(hookline.__file__)), "")


def trim(error: BaseException, *, first_file: str | None = None) -> None:
    """Take our frames out of an exception's traceback, and out of those of its causes.

    A traceback that ends in our code stays whole, unless it is an error that we raise on purpose: it shows a defect of ours.

    Args:
        first_file: whose frames at the beginning led to the job's first line.
    """
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        current.__traceback__ = _trimmed(current, first_file)
        current = current.__cause__ or current.__context__


def _trimmed(error: BaseException, first_file: str | None) -> TracebackType | None:
    frames = list(_frames(error.__traceback__))
    while frames and _file(frames[0]) == first_file:
        del frames[0]
    if frames and (not _is_ours(frames[-1]) or type(error).__module__.startswith("hookline.")):
        frames = [frame for frame in frames if not _is_ours(frame)]
    following = None
    for frame in reversed(frames):
        frame.tb_next = following
        following = frame
    return following


def _frames(traceback: TracebackType | None) -> list[TracebackType]:
    found = []
    while traceback is not None:
        found.append(traceback)
        traceback = traceback.tb_next
    return found


def _file(traceback: TracebackType) -> str:
    return traceback.tb_frame.f_code.co_filename


def _is_ours(traceback: TracebackType) -> bool:
    return _file(traceback).startswith(_OURS)
