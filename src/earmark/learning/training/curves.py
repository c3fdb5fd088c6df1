"""The curves of a training run as a picture: loss and measure over the epochs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from earmark.files import replacing


def draw_curves(lines: Sequence[Mapping[str, float]], measure_name: str, path: Path) -> None:
    """Draw what `metrics.jsonl` holds, one mapping for each epoch, into a PNG."""
    epochs = [line["epoch"] + 1 for line in lines]
    best = epochs[max(range(len(lines)), key=lambda index: lines[index]["valid"])]
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    loss, measure = figure.subplots(1, 2)
    loss.plot(epochs, [line["loss"] for line in lines], label="training, changed and mixed", color="#9467bd")
    loss.plot(epochs, [line["valid_loss"] for line in lines], label="validation", color="#d62728")
    loss.set_ylabel("loss")
    measure.plot(epochs, [line["hits"] for line in lines], label="training, changed and mixed", color="#9467bd")
    measure.plot(epochs, [line["valid"] for line in lines], label="validation", color="#d62728")
    measure.set_ylabel(measure_name)
    for axes in (loss, measure):
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        for curve in axes.get_lines():
            curve.set_marker(".")
        axes.axvline(best, color="#7f7f7f", linewidth=0.8, linestyle="--", label="the epoch that was kept")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    with replacing(path) as file:
        figure.savefig(file, dpi=120, format="png")
