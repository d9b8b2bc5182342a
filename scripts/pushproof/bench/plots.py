"""Plots of `pushproof bench --suite schema`: latency by rows, and ratios, each as SVG and PNG."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pushproof.base.errors import PartsError
from pushproof.base.places import make
from pushproof.bench.results import Comparison, Variant

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("svg", "png")
# The same figures give the same file: no date, no random ids; text stays text.
SETTINGS: dict[Any, Any] = {"svg.hashsalt": "pushproof", "svg.fonttype": "none", "font.size": 9}
NO_DATE: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "png": {}}


def require() -> None:
    """Raises PartsError if matplotlib is not installed."""
    try:
        import matplotlib as mpl
    except ModuleNotFoundError:
        raise PartsError("the plots need matplotlib, which is not installed", "pip install -e '.[bench]'") from None
    mpl.use("agg")


def draw(comparison: Comparison, machine: str, folder: Path) -> Iterator[Path]:
    """Write the plots to `folder`; yields each file."""
    import matplotlib as mpl

    make(folder)
    with mpl.rc_context(SETTINGS):
        figures = {"latency": _latency(comparison, machine)}
        if comparison.others:
            figures["ratios"] = _ratios(comparison, comparison.others[0], machine)
        for name, figure in figures.items():
            for kind in FORMATS:
                file = folder / f"{name}.{kind}"
                figure.savefig(file, metadata=NO_DATE[kind], dpi=150, bbox_inches="tight")
                yield file


def _latency(comparison: Comparison, machine: str) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5))
    axes = figure.subplots()
    for number, result in enumerate(comparison.own.results.values()):
        medians = [result.times[size].median for size in comparison.sizes]
        marker, color = "osd^"[number // 10 % 4], f"C{number % 10}"
        axes.plot(comparison.sizes, medians, marker=marker, color=color, label=result.query.title)
    axes.set(xscale="log", yscale="log", xlabel="rows of the largest table", ylabel="median in the server, ms")
    axes.set_title(machine, loc="left", fontsize=8)
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=8)
    return figure


def _ratios(comparison: Comparison, other: Variant, machine: str) -> Figure:
    from matplotlib.figure import Figure

    own = comparison.own.results
    pairs = [(result.query.title, comparison.ratio(name, other)) for name, result in own.items()]
    titles, ratios = zip(*sorted(pairs, key=lambda pair: pair[1]), strict=True)
    figure = Figure(figsize=(8, 0.3 * len(pairs) + 1))
    axes = figure.subplots()
    axes.bar_label(axes.barh(titles, ratios, log=True), fmt="%.1f", padding=3)
    axes.axvline(1, color="black", linewidth=0.8)
    label = f"times as fast as {other.name} at {comparison.sizes[-1]:,} rows"
    axes.set(xlabel=label, xlim=(min(0.5, *ratios) / 1.5, max(ratios) * 2))
    axes.set_title(machine, loc="left", fontsize=8)
    return figure
