"""Progress of long work, told to the front end that shows it.

Conventions: a `Counting` is called with how many things there are and what they are called ("files"); within the
context that it opens, the function that it gives is called after each. A `Staging` is for work in stages: its function
is called with the title of a stage and the share of it that is done (0-1). `unseen` and `unstaged` show nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias, TypeVar

T = TypeVar("T")

Counting: TypeAlias = Callable[[int, str], AbstractContextManager[Callable[[], None]]]
Staging: TypeAlias = Callable[[], AbstractContextManager[Callable[[str, float], None]]]


@contextmanager
def unseen(total: int, unit: str) -> Iterator[Callable[[], None]]:  # noqa: ARG001  as others that show them
    """Show nothing."""
    yield lambda: None


@contextmanager
def unstaged() -> Iterator[Callable[[str, float], None]]:
    """Show nothing."""
    yield lambda title, share: None  # noqa: ARG005  as others that show them


def counted(outcomes: Iterable[T], total: int, unit: str, progress: Counting) -> Iterator[T]:
    """Pass outcomes on, and count each."""
    with progress(total, unit) as advance:
        for outcome in outcomes:
            advance()
            yield outcome
