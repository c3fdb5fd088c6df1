"""A stand-in for Ray with one actor at a time, in a process of its own: enough of Ray for `library.scanning.cluster`.

It treats an actor as Ray does: it sends it to another process as bytes and, where that process dies, starts it anew for
the same item.
"""

import multiprocessing
import pickle
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from types import ModuleType, SimpleNamespace
from typing import Any, Final

ATTEMPTS: Final = 3  # for one item, before the whole run fails

_PROCESSES: Final = multiprocessing.get_context("fork")


class Dataset:
    """Items, and the actor that is applied to each."""

    def __init__(self, items: Sequence[Any]) -> None:
        self.items = items
        self.actor = b""

    def map(self, actor: type, *, fn_constructor_args: tuple[Any, ...], compute: Any, num_cpus: int) -> "Dataset":  # noqa: ANN401  Ray's own
        """Apply an actor to each item."""
        if (compute.min_size, num_cpus) != (1, 1) or not 1 <= compute.max_size <= len(self.items):
            raise ValueError(f"so many actors for {len(self.items)} items: {compute}, each on {num_cpus} processors")
        self.actor = pickle.dumps((actor, fn_constructor_args))
        return self

    def iter_rows(self) -> Iterator[Any]:
        """The results of the actor for the items, each as soon as it is there."""
        process = None
        try:
            for item in self.items:
                for _ in range(ATTEMPTS):
                    process = process or _Process(self.actor)
                    try:
                        row = process.ask(item)
                    except EOFError:  # it has died
                        process.end()
                        process = None
                    else:
                        break
                else:
                    raise RuntimeError(f"the actor died {ATTEMPTS} times over {item}")
                yield row
        finally:
            if process:
                process.end()


class _Process:
    def __init__(self, actor: bytes) -> None:
        self.pipe, other = _PROCESSES.Pipe()
        self.process = _PROCESSES.Process(target=_serve, args=(actor, other), daemon=False)
        self.process.start()
        other.close()

    def ask(self, item: Any) -> Any:  # noqa: ANN401  Ray's own
        try:
            self.pipe.send(item)
            return self.pipe.recv()
        except OSError as error:  # in the middle of a message
            raise EOFError from error

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _serve(actor: bytes, pipe: Connection) -> None:
    made, arguments = pickle.loads(actor)  # noqa: S301  our own
    call: Callable[[Any], Any] = made(*arguments)
    while True:
        pipe.send(call(pipe.recv()))


def modules() -> dict[str, ModuleType]:
    """The modules `ray` and `ray.data` of the stand-in, for `sys.modules`."""
    ray, data = ModuleType("ray"), ModuleType("ray.data")
    context = SimpleNamespace(enable_progress_bars=True)
    vars(ray).update(is_initialized=lambda: True, cluster_resources=lambda: {"CPU": 2.0}, data=data)
    vars(data).update(
        from_items=lambda items, override_num_blocks: Dataset(items[:override_num_blocks]),
        ActorPoolStrategy=SimpleNamespace,
        DataContext=SimpleNamespace(get_current=lambda: context),
    )
    return {"ray": ray, "ray.data": data}
