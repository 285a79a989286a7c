"""The table (Markdown) and the plot (SVG) of what was measured."""
import html

from side import targets


def engines(result, row):
    return {e["name"]: e for e in result["rows"].get(row, {}).get("engines", [])}


def compared(result):
    """Each comparison with its figures: dictionaries with title, ours, theirs, other, ratio, paired, target, goal; or
    with `why` there is no ratio."""
    for comparison in targets.COMPARISONS:
        row = result["rows"].get(comparison.row)
        if not row:
            continue
        found = engines(result, comparison.row)
        ours = found.get(comparison.ours, {})
        others = [e for name, e in found.items() if not name.startswith(targets.SCOUT)
                  and (not comparison.others or name.startswith(comparison.others))]
        measured = [e for e in others if "min" in e]
        line = {"title": comparison.title, "target": comparison.target, "goal": comparison.goal, "unit": row.get("unit"),
                "missing": [f"{e['name']}: {e['error']}" for e in others if "error" in e]}
        if "min" not in ours or not measured:
            line["why"] = ours.get("error") or "; ".join(line["missing"]) or row.get("error", "nothing to compare with")
        else:
            best = min(measured, key=lambda e: e["min"])
            pairs = sorted(a / b for a, b in zip(ours["all"], best["all"]))
            line |= {"ours": ours["min"], "theirs": best["min"], "other": best["name"],
                     "ratio": ours["min"] / best["min"], "paired": pairs[len(pairs) // 2]}
        yield line


def short(value, unit):
    if unit == "s":
        return f"{value * 1e3:.0f} ms" if value < 1 else f"{value:.2f} s"
    return f"{value:.2f} {unit}" if value < 10 else f"{value:.1f} {unit}"


def verdict(value, target, goal):
    return "goal" if value <= goal else "yes" if value <= target else "**no**"


def memory_lines(result):
    row = result["rows"].get("memory", {})
    runs = {run["hours"]: run for run in row.get("runs", [])}
    if "error" in row:
        yield ["most memory, a file of 1 h", row["error"], "", "", "", "", "-"]
    if "1" not in runs:
        return
    hour = runs["1"]
    target, goal = targets.MEMORY_MB
    yield ["most memory, a file of 1 h", f"{hour['memory_mb']:.0f} MB", "", "", f"{target} MB", f"{goal} MB",
           verdict(hour["memory_mb"], target, goal)]
    for name in runs.keys() - {"1", "long"}:
        time, memory = (runs[name][k] / hour[k] for k in ("s_a_minute", "memory_mb"))
        flat = 1 + targets.FLAT
        yield [f"a longer file, {name} h against 1 h", f"time a minute {time:.2f} x, memory {memory:.2f} x", "", "",
               f"{flat:.2f} x", "", "yes" if time <= flat and memory <= flat else "**no**"]


def accuracy_lines(result):
    row = result["rows"].get("accuracy", {})
    if "error" in row:
        yield ["error rate", row["error"], "", "", "", "", "-"]
    if "lines" not in row:
        return
    columns = row["columns"]
    scores = {line[0]: dict(zip(columns, line[1:])) for line in row["lines"]}
    ours, theirs = scores[targets.SCOUT], scores[targets.FASTER_WHISPER]
    for column, what in (("all", "all clips"), ("en", "English")):
        difference = float(theirs[column]) - float(ours[column])
        least, aim = targets.ACCURACY_POINTS
        yield [f"error rate of the default settings, {what}", f"{ours[column]} %", f"{theirs[column]} %",
               f"{-difference:+.2f} points", f"{-least:g} points", f"{-aim:g} points",
               verdict(-difference, -least, -aim)]
    invented = ours["words invented"]
    yield ["words invented where nothing is said", invented, theirs["words invented"], "", "0", "0",
           "goal" if invented.startswith("0 ") else "**no**"]


def summary(result):
    """The lines of the first table: figure, Scout, the other, ratio, target, goal, reached."""
    for line in compared(result):
        target, goal = f"{line['target']} x", f"{line['goal']} x"
        if "why" in line:
            yield [line["title"], line["why"], "", "", target, goal, "-"]
            continue
        yield [line["title"], short(line["ours"], line["unit"]),
               f"{short(line['theirs'], line['unit'])} ({line['other']})",
               f"{line['ratio']:.3f} x ({line['paired']:.3f})", target, goal,
               verdict(line["ratio"], line["target"], line["goal"])]
    yield from memory_lines(result)
    yield from accuracy_lines(result)


def table(head, lines):
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "/") for cell in row) + " |" for row in rows)


def engine_table(row):
    lines = []
    for engine in row["engines"]:
        if "min" in engine:
            memory = f"{engine['memory_mb']:.0f} MB" if "memory_mb" in engine else ""
            note = engine.get("error", "")
            lines.append([engine["name"], short(engine["min"], row["unit"]), short(engine["median"], row["unit"]),
                          len(engine["all"]), memory, note])
        else:
            lines.append([engine["name"], "-", "-", 0, "", engine["error"]])
    columns = [0, 1, 2, 3] + ([4] if any(line[4] for line in lines) else []) + ([5] if any(line[5] for line in lines) else [])
    head = ["", "fastest", "median", "runs", "most memory", "why not"]
    return table([head[c] for c in columns], [[line[c] for c in columns] for line in lines])


def limits_section(bench):
    peaks = bench["peaks"]
    tell = [f"{name} {peaks[key]:.0f}" for name, key in (("f32", "f32_gops"), ("bf16", "bf16_gops"), ("int8", "int8_gops"))
            if peaks[key]]
    return f"""## How near to the machine's limits

Measured in the same run by `scout bench`: {', '.join(tell)} G operations a second in registers, reading
{peaks['memory_gb_per_s']:.0f} GB/s from memory and {peaks['weights_gb_per_s']:.0f} GB/s from a block as large as what a token needs.

- The encoder does {bench['encoder_gop']:.1f} G operations in {bench['encoder_ms']:.1f} ms: {bench['encoder_gops']:.0f} a second,
  **{bench['encoder_peak_share'] * 100:.0f} %** of the peak of what its linear layers multiply. With every operation at the peak of its
  own arithmetic it would take {bench['encoder_limit_ms']:.1f} ms.
- A token of one text reads {bench['decoder_bytes_per_token'] / 1e6:.0f} MB in {bench['decoder_ms_per_token']:.2f} ms: **{bench['decoder_bandwidth_share'] * 100:.0f} %** of what reading
  alone reaches ({bench['decoder_limit_ms_per_token']:.2f} ms). A step of {bench['rows_per_step']} texts takes {bench['decoder_ms_per_step']:.2f} ms.
"""


def memory_section(row):
    lines = [[f"{run['seconds'] / 3600:.2f} h", f"{run['took']:.1f} s", f"{run['s_a_minute'] * 1e3:.0f} ms",
              f"{run['memory_mb']:.0f} MB"] for run in row["runs"]]
    return table(["file", "time, process start to end", "time a minute", "most memory"], lines)


def markdown(result, plot):
    machine = result["machine"]
    parts = [f"""# Speed, side by side

Whisper base on {machine['threads']} threads; every engine computes with the same weights and hears the same recordings, in one run, in
turns. {result['date']}, {machine['processor']}, {machine['processors']} processors ({machine['features']}; kernels `{machine['kernels']}`),
{machine['memory_gb']:.0f} GB, Linux {machine['kernel']}. This page is written by `bench/run`.

![time of Scout against the fastest other engine]({plot})

A ratio is Scout's fastest run to the fastest run of the fastest engine named; in brackets the median of the ratios of runs
side by side. *Target* has to be reached, *goal* is aimed at.
""", table(["figure", "Scout", "the other", "ratio", "target", "goal", "reached"], summary(result)), ""]
    if "bench" in result["rows"].get("limits", {}):
        parts.append(limits_section(result["rows"]["limits"]["bench"]))
    parts.append("## Every engine\n\nScout without more words is the default settings: beam search with 5 texts, voice activity, "
                 "timestamps.\nThe others search greedily unless it is said; language given to all.\n")
    for row in result["rows"].values():
        if "engines" in row:
            parts += [f"### {row['title']}\n", engine_table(row), ""]
        if "runs" in row:
            parts += [f"### {row['title']}\n", memory_section(row), ""]
        if "lines" in row:
            parts += [f"### {row['title']}, in %\n", table(["", *row["columns"]], row["lines"]), ""]
        if "note" in row:
            parts += [row["note"], ""]
    parts.append("## Made with\n\n" + ", ".join(result["versions"]) + ".\n\n```sh\n" + "\n".join(result["commands"])
                 + "\n```\n")
    return "\n".join(parts)


# ---------------------------------------------------------------------------------------------- plot

WIDTH, LEFT, RIGHT, TOP, STEP, BAR = 860, 300, 40, 64, 46, 18
STYLE = """
  .page { fill: #ffffff }
  text { font: 13px system-ui, sans-serif; fill: #1f2328; stroke: #ffffff; stroke-width: 4px; paint-order: stroke }
  .small { font-size: 11px; fill: #59636e }
  .head { font-size: 15px; font-weight: 600 }
  .grid { stroke: #d1d9e0; stroke-width: 1 }
  .one { stroke: #59636e; stroke-width: 2 }
  .ours { fill: #1a7f5a }
  .target { stroke: #bc4c00; stroke-width: 2 }
  .goal { stroke: #8250df; stroke-width: 2; stroke-dasharray: 3 3 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } text { fill: #e6edf3; stroke: #0d1117 } .small { fill: #9198a1 } .grid { stroke: #3d444d } .one { stroke: #9198a1 }
    .ours { fill: #3fb98a } .target { stroke: #f0883e } .goal { stroke: #bc8cff }
  }
"""


def plot(result):
    lines = [line for line in compared(result) if "ratio" in line]
    longest = max([1.0, *(line["ratio"] for line in lines)])
    height = TOP + STEP * len(lines) + 58
    scale = (WIDTH - LEFT - RIGHT) / longest
    bottom = height - 44
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">',
           f"<style>{STYLE}</style>",
           f'<rect class="page" width="{WIDTH}" height="{height}" rx="6"/>',
           f'<text class="head" x="16" y="26">Time of Scout; the fastest other engine takes 1</text>',
           f'<text class="small" x="16" y="44">{html.escape(result["machine"]["processor"])}, '
           f'{result["machine"]["threads"]} threads, whisper base; shorter is faster</text>']
    for tenth in range(0, int(longest * 10) + 1, 2):
        x = LEFT + tenth / 10 * scale
        out.append(f'<line class="grid" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}"/>')
        out.append(f'<text class="small" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{tenth / 10:g}</text>')
    out.append(f'<line class="one" x1="{LEFT + scale:.1f}" y1="{TOP}" x2="{LEFT + scale:.1f}" y2="{bottom}"/>')
    out.append(f'<text class="small" x="{LEFT}" y="{height - 8}">ratio of times</text>')
    for i, line in enumerate(lines):
        y = TOP + STEP * i + 8
        title, _, rest = line["title"].partition(": ")
        if not rest and len(title) > 40:
            title, _, rest = title.partition(", ")
        told = f"{short(line['ours'], line['unit'])} to {short(line['theirs'], line['unit'])}, {line['other']}"
        out.append(f'<text x="{LEFT - 12}" y="{y + 13}" text-anchor="end">{html.escape(title)}</text>')
        if rest:
            out.append(f'<text class="small" x="{LEFT - 12}" y="{y + 28}" text-anchor="end">{html.escape(rest)}</text>')
        length = line["ratio"] * scale
        out.append(f'<rect class="ours" x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2"/>')
        for kind in ("target", "goal"):
            x = LEFT + line[kind] * scale
            out.append(f'<line class="{kind}" x1="{x:.1f}" y1="{y - 4}" x2="{x:.1f}" y2="{y + BAR + 4}"/>')
        out.append(f'<text class="small" x="{LEFT}" y="{y + BAR + 14}">{line["ratio"]:.2f}: {html.escape(told)}</text>')
    x = WIDTH - RIGHT - 150
    out += [f'<line class="target" x1="{x}" y1="{height - 18}" x2="{x}" y2="{height - 4}"/>',
            f'<text class="small" x="{x + 8}" y="{height - 8}">target</text>',
            f'<line class="goal" x1="{x + 70}" y1="{height - 18}" x2="{x + 70}" y2="{height - 4}"/>',
            f'<text class="small" x="{x + 78}" y="{height - 8}">goal</text>', "</svg>", ""]
    return "\n".join(out)
