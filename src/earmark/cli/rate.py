"""A column of a progress bar: the rate at which things get done."""

from rich.progress import ProgressColumn, Task
from rich.text import Text


class RateColumn(ProgressColumn):
    """Things per second, named by the task's description."""

    def render(self, task: Task) -> Text:
        """The rate of late, or nothing while there is none."""
        return Text(f"{task.speed:.1f} {task.description}/s" if task.speed else "", "dim")
