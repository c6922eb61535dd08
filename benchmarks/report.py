"""The tables of a run, and whether the demands on it are met."""

from collections.abc import Iterable
from statistics import median
from typing import Any

_NOT_MEASURED = "-"


def show(results: dict[str, Any]) -> None:
    """Print everything: the machine, the tables, the demands."""
    _head(results)
    cases = results.get("cases", {})
    _cpu_table(cases)
    _event_table(cases)
    _latency_table(cases)
    _stream_table(cases)
    crossing_table(results.get("crossing", {}))
    large_tables(results.get("large", {}))
    _memory_table(results.get("memory", {}))
    _cold_start_table(results.get("cold_starts", {}))
    _metered(results)
    _demands(results)


def _head(results: dict[str, Any]) -> None:
    host = results["machine"]
    print(f"\n# Benchmarks, {results['date']}\n")
    print(f"{host['cpu']}, {host['usable_cores']} of {host['cores']} cores, {host['kernel']}, ")
    print(f"Python {host['python']}; load average {host['load_average']} before, ", end="")
    print(f"{results.get('load_average_after')} after; {results['rounds']} rounds.")
    for name, version in results.get("versions", {}).items():
        print(f"{name}: {version}")
    for name, why in results["skipped"].items():
        print(f"not measured: {name} ({why.splitlines()[0]})")


def _cpu_table(cases: dict[str, Any]) -> None:
    names = [name for name in ("call c=1", "call c=32", "call 100 kB c=16") if cases.get(name)]
    _table(
        "CPU per call, same core (microseconds of user + system time; in brackets: times nginx)",
        ["target", *names, "least and most at c=32"],
        (
            [
                target,
                *(_with_ratio(cases[name], target, "cpu_us_per_call") for name in names),
                _spread(cases.get("call c=32", {}), target, "cpu_us_per_call"),
            ]
            for target in _targets(cases, names)
        ),
    )


def _event_table(cases: dict[str, Any]) -> None:
    name = "sse fast c=8"
    if cases.get(name):
        _table(
            "CPU per event of a fast stream, same core (microseconds; in brackets: times nginx)",
            ["target", "per event", "per stream of 104 events", "least and most"],
            (
                [
                    target,
                    _with_ratio(cases[name], target, "cpu_us_per_event"),
                    _number(_median(cases[name], target, "cpu_us_per_call")),
                    _spread(cases[name], target, "cpu_us_per_event"),
                ]
                for target in _targets(cases, [name])
            ),
        )


def _latency_table(cases: dict[str, Any]) -> None:
    names = [name for name in ("latency c=1", "latency c=32") if cases.get(name)]
    columns = [f"{quantile} {name}" for name in names for quantile in ("p50", "p99")]
    _table(
        "Latency, two cores (microseconds; in brackets: added to direct), and calls per second",
        ["target", *columns, *(f"calls/s {name.split()[-1]}" for name in names)],
        (
            [
                target,
                *(
                    _with_added(cases[name], target, quantile)
                    for name in names
                    for quantile in ("p50", "p99")
                ),
                *(_number(_median(cases[name], target, "rps")) for name in names),
            ]
            for target in _targets(cases, names)
        ),
    )


def _stream_table(cases: dict[str, Any]) -> None:
    name = "sse 10 ms c=10"
    if cases.get(name):
        fields = ("ttft50", "ttft99", "owd50", "owd99")
        _table(
            "10 streams with an event every 10 ms, two cores (microseconds; in brackets: added to direct; CPU: times nginx)",
            ["target", "first event p50", "p99", "delay of an event p50", "p99", "CPU per event"],
            (
                [
                    target,
                    *(_with_added(cases[name], target, field) for field in fields),
                    _with_ratio(cases[name], target, "cpu_us_per_event"),
                ]
                for target in _targets(cases, [name])
            ),
        )


def crossing_table(found: dict[str, Any]) -> None:
    """Translated calls beside the identity call of the client's dialect; a way is called "client > upstream"."""
    _table(
        "Translated calls, same core (microseconds of CPU; in brackets: times the call in the client's own dialect)",
        ["client > upstream", "whole call", "stream", "per event of it", "events"],
        (
            [
                way,
                _beside(found, way, "whole", "cpu_us_per_call"),
                _beside(found, way, "stream", "cpu_us_per_call"),
                _number(_median(found[way], "stream", "cpu_us_per_event")),
                f"{_median(found[way], 'stream', 'events_per_call') or 0:.0f}",
            ]
            for way in found
        ),
    )


def _beside(found: dict[str, Any], way: str, kind: str, field: str) -> str:
    client, _, upstream = way.partition(" > ")
    value = _number(_median(found[way], kind, field))
    if client == upstream:
        return value
    pair = {"this": found[way][kind], "own": found[f"{client} > {client}"][kind]}
    return f"{value} ({_ratio(pair, 'this', 'own', field):.1f})"


def large_tables(found: dict[str, Any]) -> None:
    """Requests of 10 MB: their CPU beside a bare copy, and the gaps that they tear into another's stream."""
    cpu, gaps = found.get("cpu", {}), found.get("gaps", {})
    _table(
        "Requests of 10 MB, same core (milliseconds of CPU a call)",
        ["request", "CPU", "times a bare copy", "least and most"],
        (
            [
                name,
                _number((_median(cpu, name, "cpu_us_per_call") or 0) / 1000),
                _number(_ratio(cpu, name, "bare copy", "cpu_us_per_call")),
                " - ".join(
                    _number(of(one["cpu_us_per_call"] for one in rounds) / 1000)
                    for of in (min, max)
                ),
            ]
            for name, rounds in cpu.items()
        ),
    )
    _table(
        "A stream with an event every 10 ms beside requests of 10 MB, two cores (milliseconds between two events)",
        ["beside", "p50", "p99", "largest", "largest of any round", "events"],
        (
            [
                name,
                *(
                    _number((_median(gaps, name, field) or 0) / 1000)
                    for field in ("gap50", "gap99", "gapmax")
                ),
                _number(max(one["gapmax"] for one in rounds) / 1000),
                _number(_median(gaps, name, "events")),
            ]
            for name, rounds in gaps.items()
        ),
    )


def _memory_table(memory: dict[str, dict[str, float]]) -> None:
    fields = ("idle_rss_mb", "idle_pss_mb", "held_rss_mb", "held_pss_mb")
    _table(
        "Memory (MiB)",
        ["target", "RSS idle", "PSS idle", "RSS 1,000 streams", "PSS 1,000 streams"],
        (
            [target, *(_number(found.get(field)) for field in fields)]
            for target, found in memory.items()
            if target != "direct"
        ),
    )


def _cold_start_table(starts: dict[str, list[dict[str, float]]]) -> None:
    _table(
        "Cold start: spawn to the first answered call (seconds)",
        ["target", "median", "least", "most", "CPU until then"],
        (
            [
                target,
                *(f"{of(start['s'] for start in times):.3f}" for of in (median, min, max)),
                f"{median(start['cpu_s'] for start in times):.3f}",
            ]
            for target, times in starts.items()
            if target != "direct" and times
        ),
    )


def _metered(results: dict[str, Any]) -> None:
    found = results.get("metered")
    if not found:
        return
    total = found.get("total", found)
    print("\nMetering was on; `kilo-gateway usage` counted:", end=" ")
    print(", ".join(f"{name} {value}" for name, value in total.items() if value is not None))


def _demands(results: dict[str, Any]) -> None:
    cases, starts = results.get("cases", {}), results.get("cold_starts", {})
    print("\n## Demands\n")
    for name in ("call c=1", "call c=32"):
        _demand(
            f"CPU per {name} at most 6 x nginx",
            _ratio(cases.get(name, {}), "kilo", "nginx", "cpu_us_per_call"),
            at_most=6,
        )
    for name in ("call c=1", "call c=32"):
        _demand(
            f"CPU per {name} at least 50 x less than LiteLLM",
            _ratio(cases.get(name, {}), "litellm", "kilo", "cpu_us_per_call"),
            at_least=50,
        )
    _demand(
        "CPU per SSE event at most 4 x nginx",
        _ratio(cases.get("sse fast c=8", {}), "kilo", "nginx", "cpu_us_per_event"),
        at_most=4,
    )
    for name in ("kilo", "kilo up, first start", "kilo up, later start"):
        times = starts.get(name)
        what = f"cold start of {name} below 0.5 s"
        _demand(what, median(start["s"] for start in times) if times else None, at_most=0.5)


def _demand(
    what: str, found: float | None, *, at_most: float | None = None, at_least: float | None = None
) -> None:
    if found is None:
        print(f"not measured  {what}")
        return
    is_met = found <= at_most if at_most is not None else found >= (at_least or 0)
    print(f"{'met' if is_met else 'NOT MET':<13} {what}: {found:.3g}")


def _table(title: str, columns: list[str], rows: Iterable[list[str]]) -> None:
    lines = list(rows)
    if not lines:
        return
    widths = [max(len(line[index]) for line in [columns, *lines]) for index in range(len(columns))]
    print(f"\n## {title}\n")
    for line in (columns, ["-" * width for width in widths], *lines):
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        print(f"| {' | '.join(cells)} |")


def _targets(cases: dict[str, Any], names: list[str]) -> list[str]:
    return list(dict.fromkeys(target for name in names for target in cases[name]))


def _median(case: dict[str, Any], target: str, field: str) -> float | None:
    rounds = case.get(target)
    return median(found[field] for found in rounds) if rounds else None


def _ratio(case: dict[str, Any], above: str, below: str, field: str) -> float | None:
    """The median of the rounds' ratios: both sides of each were measured in the same minute."""
    pairs = zip(case.get(above, ()), case.get(below, ()), strict=False)
    ratios = [upper[field] / lower[field] for upper, lower in pairs if lower[field]]
    return median(ratios) if ratios else None


def _with_ratio(case: dict[str, Any], target: str, field: str) -> str:
    value, ratio = _median(case, target, field), _ratio(case, target, "nginx", field)
    return _number(value) + (f" ({ratio:.1f})" if ratio is not None else "")


def _with_added(case: dict[str, Any], target: str, field: str) -> str:
    value, direct = _median(case, target, field), _median(case, "direct", field)
    if value is None or direct is None or target == "direct":
        return _number(value)
    return f"{value:.0f} ({value - direct:+.0f})"


def _spread(case: dict[str, Any], target: str, field: str) -> str:
    rounds = case.get(target)
    if not rounds:
        return _NOT_MEASURED
    values = [found[field] for found in rounds]
    return f"{_number(min(values))} - {_number(max(values))}"


def _number(value: float | None) -> str:
    if value is None:
        return _NOT_MEASURED
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
