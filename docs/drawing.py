"""The drawing of docs/derivation.md: a 2-2-1 network with every symbol of the derivation where it belongs."""

WIDTH, HEIGHT = 920, 470
INK, GREY, FORWARD, BACK = "#1b1b1b", "#8a8a8a", "#0b5fa5", "#b3440b"  # blue forward, brownish red back
INPUT, HIDDEN, OUTPUT, ERROR = 90, 390, 660, 840  # the columns
UPPER, LOWER, BIAS, MIDDLE = 130, 240, 345, 185  # the rows
RADIUS = 34


def svg() -> str:
    """The drawing as SVG, on a white ground, readable in a light and in a dark page.

    >>> svg().startswith("<svg "), svg().strip().endswith("</svg>")
    (True, True)
    """
    parts = [*_weights(), *_nodes(), *_error(), *_directions()]
    style = "text { font: 17px 'Latin Modern Math', Cambria, Georgia, serif; } .s { font: 14px Arial, Helvetica, sans-serif; }"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img">\n'
        "<title>A 2-2-1 network with its symbols: inputs x, weights W, pre-activations z, activations a, deltas, error E</title>\n"
        f"<style>{style}</style>\n"
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _weights() -> list[str]:
    """Every weight as a line, the bias node's dashed, and two of them named."""
    lines = []
    for y in (UPPER, LOWER, BIAS):
        for above in (UPPER, LOWER):
            named = (y, above) == (UPPER, LOWER)
            lines.append(_line(INPUT, y, HIDDEN - RADIUS, above, INK if named else GREY, 2 if named else 1, y == BIAS))
        named = y == UPPER
        lines.append(_line(HIDDEN, y, OUTPUT - RADIUS, MIDDLE, INK if named else GREY, 2 if named else 1, y == BIAS))
    return [
        *lines,
        _text(185, 152, _symbol("W", "1", "12"), ground=44),
        _text(540, 147, _symbol("W", "2", "11"), ground=44),
        _text(255, 320, _symbol("θ", "1", "k"), ground=32),
        _text(545, 282, _symbol("θ", "2", "1"), ground=32),
        _words(INPUT, 442, "W: a row per node below, a column per node"),
        _words(INPUT, 460, "above. The last row is θ; W̄ is W without it"),
    ]


def _nodes() -> list[str]:
    found = []
    for j, y in enumerate((UPPER, LOWER), 1):
        found += [_circle(INPUT, y, 24), _text(INPUT, y + 6, _symbol("x", "", str(j)))]
        found += _split(HIDDEN, y, "1", str(j))
    found += _split(OUTPUT, MIDDLE, "2", "1")
    for x, y in ((INPUT, BIAS), (HIDDEN, BIAS)):
        found += [_circle(x, y, 18, "#eeeeee"), _text(x, y + 6, "1"), _words(x, y + 36, "bias node", "middle")]
    return [
        *found,
        _text(INPUT, 90, f"{_symbol('x', '', '')} = {_symbol('a', '0', '')}"),
        _text(HIDDEN + 4, 80, f"{_symbol('a', '1', '')} = {_symbol('f', '', '')}({_symbol('z', '1', '')})"),
        _text(OUTPUT + 4, 135, f"{_symbol('a', '2', '')} = {_symbol('f', '', '')}({_symbol('z', '2', '')})"),
    ]


def _split(x: int, y: int, layer: str, node: str) -> list[str]:
    """A node that computes: z in its left half, a in its right, and its delta below."""
    delta = f"{_symbol('δ', layer, node)} = ∂{_symbol('E', '', '')}/∂{_symbol('z', layer, node)}"
    return [
        _circle(x, y, RADIUS),
        _line(x, y - RADIUS, x, y + RADIUS, INK, 1),
        _text(x - 16, y + 6, _symbol("z", layer, node)),
        _text(x + 16, y + 6, _symbol("a", layer, node)),
        _text(x, y + RADIUS + 19, delta, BACK, ground=104),
    ]


def _error() -> list[str]:
    square = f"½ ({_symbol('a', '2', '')} - {_symbol('t', '', '')})²"
    return [
        _line(OUTPUT + RADIUS, MIDDLE, ERROR - 64, MIDDLE, GREY, 1),
        f'<rect x="{ERROR - 64}" y="{MIDDLE - 24}" width="136" height="48" rx="6" fill="white" stroke="{INK}"/>',
        _text(ERROR + 4, MIDDLE + 6, f"{_symbol('E', '', '')} = {square}"),
        _circle(ERROR, 285, 20),
        _text(ERROR, 291, _symbol("t", "", "")),
        _words(ERROR, 324, "target", "middle"),
        _line(ERROR, 265, ERROR, MIDDLE + 24, GREY, 1),
    ]


def _directions() -> list[str]:
    ends = (INPUT - 30, ERROR + 60)
    return [
        _arrow(ends[0], ends[1], 40, FORWARD),
        _words(HIDDEN + 60, 28, "forward: z = [a, 1] W (5), a = f(z) (6), E (7)", "middle", FORWARD),
        _arrow(ends[1], ends[0], 415, BACK),
        _words(HIDDEN + 60, 442, "back: δ of the output (8), then of the layers below it (9);", "start", BACK),
        _words(HIDDEN + 60, 460, "from the deltas ∂E/∂W (10), ∂E/∂θ (11) and ∂E/∂x (12)", "start", BACK),
    ]


def _symbol(letter: str, upper: str, lower: str) -> str:
    """A letter in italics with what stands above and below it, and the line where it was before."""
    parts = [f'<tspan font-style="italic">{letter}</tspan>']
    parts += [f'<tspan dy="-6" font-size="12">{upper}</tspan>'] if upper else []
    shift = 4 + 6 * bool(upper)
    parts += [f'<tspan dy="{shift}" font-size="12">{lower}</tspan>'] if lower else []
    back = -4 if lower else 6 * bool(upper)
    return "".join(parts) + (f'<tspan dy="{back}">&#8203;</tspan>' if back else "")


def _text(x: int, y: int, content: str, colour: str = INK, ground: int = 0) -> str:
    rect = f'<rect x="{x - ground / 2:g}" y="{y - 17}" width="{ground}" height="24" fill="white"/>' if ground else ""
    return f'{rect}<text x="{x}" y="{y}" text-anchor="middle" fill="{colour}">{content}</text>'


def _words(x: int, y: int, words: str, anchor: str = "start", colour: str = INK) -> str:
    left = x - 30 if anchor == "start" and x == INPUT else x
    return f'<text class="s" x="{left}" y="{y}" text-anchor="{anchor}" fill="{colour}">{words}</text>'


def _circle(x: int, y: int, radius: int, fill: str = "white") -> str:
    return f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{fill}" stroke="{INK}"/>'


def _line(x1: int, y1: int, x2: int, y2: int, colour: str, width: int, dashed: bool = False) -> str:
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}" stroke-width="{width}"{dash}/>'


def _arrow(x1: int, x2: int, y: int, colour: str) -> str:
    head = 10 if x2 < x1 else -10
    tip = f'<path d="M {x2} {y} l {head} -5 v 10 z" fill="{colour}"/>'
    return _line(x1, y, x2 + head // 2, y, colour, 2) + tip
