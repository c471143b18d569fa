"""A study as tables for the terminal, as Markdown, and as JSON."""

from dataclasses import asdict

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.speed.machine import machine, versions
from benchmarks.speed.workloads import Study

COLUMNS = (
    "peer",
    "its time",
    "from - to",
    "ours / peer",
    "from - to",
    "by CPU time",
    "times as fast",
    "compile",
    "apart",
)


def time(ns: float) -> str:
    """A time with three digits and its unit.

    >>> time(29.31), time(184_200.0), time(3.2e6)
    ('29.3 ns', '184 µs', '3.20 ms')
    """
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= size:
            return f"{_three(ns / size)} {unit}"
    return f"{_three(ns)} ns"


def span(times: tuple[float, float]) -> str:
    """Two times, the unit once where it is the same.

    >>> span((29.31, 31.0)), span((950.0, 1100.0))
    ('29.3 - 31.0 ns', '950 ns - 1.10 µs')
    """
    low, high = map(time, times)
    return f"{low.split()[0] if low.split()[1] == high.split()[1] else low} - {high}"


def _three(value: float) -> str:
    """Three significant digits, never in powers of ten where there is room.

    >>> _three(1234.5), _three(12.345), _three(0.001234)
    ('1234', '12.3', '0.00123')
    """
    return f"{value:.0f}" if value >= 100 else f"{value:#.3g}"


def cells(study: Study, workload: str) -> list[tuple[str, ...]]:
    return [
        (
            row.peer,
            time(row.peer_ns),
            span(row.peer_range),
            _three(row.ratio),
            " - ".join(map(_three, row.ratios)),
            _three(row.cpu_ratio),
            _three(1 / row.ratio),
            f"{row.compile_s:.1f} s",
            f"{row.apart:.0e}",
        )
        for row in study.rows
        if row.workload == workload
    ]


def title(study: Study, workload: str) -> str:
    row = next(row for row in study.rows if row.workload == workload)
    return (
        f"{workload}: ours {time(row.ours_ns)} for an update of one network ({span(row.ours_range)}), "
        f"started in {row.ours_compile_s:.1f} s"
    )


def note_lines(study: Study) -> list[str]:
    return [f"{name}: {note}" for name, note in {row.peer: row.note for row in study.rows if row.note}.items()]


def alone_lines(study: Study) -> list[str]:
    return [
        f"{a.workload}: {a.networks} networks, {a.epochs} epochs in {a.seconds:.2f} s ({a.range[0]:.2f} - {a.range[1]:.2f}), "
        f"{time(a.ours_ns)} a network-update, compile {a.compile_s:.1f} s; peak memory {a.peak_bytes / 2**20:.0f} MiB, "
        f"with at most 256 networks {a.small_peak_bytes / 2**20:.0f} MiB"
        for a in study.alone
    ]


def absent_lines(study: Study) -> list[str]:
    return [f"{workload}: {peer}: {why}" for workload, told in study.absent.items() for peer, why in told.items()]


def _workloads(study: Study) -> list[str]:
    return list(dict.fromkeys(row.workload for row in study.rows))


def show(study: Study, out: Console) -> None:
    for workload in _workloads(study):
        table = Table(title=title(study, workload), title_justify="left")
        for column in COLUMNS:
            table.add_column(column, justify="left" if column == "peer" else "right")
        for row in cells(study, workload):
            table.add_row(*map(escape, row))
        out.print(table)
    for line in [*alone_lines(study), *note_lines(study)]:
        out.print(line, markup=False)
    for line in absent_lines(study):
        out.print(line, markup=False, style="yellow")


def markdown(study: Study) -> str:
    about, found = machine(), versions()
    lines = [
        f"{about['cpu']} (family/model {about['family_model']}, {about['cores']} cores, {', '.join(about['vectors'])}); "  # type: ignore[arg-type]
        + ", ".join(f"{name} {version}" for name, version in found.items())
        + f". Medians of {study.options.rounds} rounds.",
    ]
    for workload in _workloads(study):
        lines += [
            "",
            f"**{title(study, workload)}**",
            "",
            "| " + " | ".join(COLUMNS) + " |",
            "|---" + "|--:" * (len(COLUMNS) - 1) + "|",
        ]
        lines += ["| " + " | ".join(row) + " |" for row in cells(study, workload)]
    rest = alone_lines(study) + note_lines(study) + absent_lines(study)
    return "\n".join([*lines, "", *(f"- {line}" for line in rest)]).strip() + "\n"


def as_json(study: Study) -> dict:
    return {
        "rows": [asdict(row) for row in study.rows],
        "alone": [asdict(a) for a in study.alone],
        "absent": study.absent,
        "rounds": study.options.rounds,
        "seconds_a_run": study.options.seconds,
        "machine": machine(),
        "versions": versions(),
    }
