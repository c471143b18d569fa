"""What the charts of a study show, as data; and that they are drawn in every state of a study, for a page and for a paper."""

import json
import re

import numpy as np
import pytest
import vl_convert

from bpnn_jax.ablation import report
from bpnn_jax.ablation.report import dots, draw, paper, theme
from bpnn_jax.ablation.report import rows as _rows
from bpnn_jax.ablation.report.rows import MAX_COLOURS, MAX_PANELS, panels
from bpnn_jax.ablation.study import Study
from bpnn_jax.statistics import kaplan_meier

STATES = ("twelve", "grid", "one", "unsolved", "diverged", "one diverged", "partial", "one seed", "nothing", "many")


def picture(state, kind):
    return next(p for p in report.pictures(*state) if p.kind == kind)


# --- where an arm is drawn ---


@pytest.mark.parametrize(
    ("vary", "colour", "series", "count"),
    [
        ({}, "", 1, 1),
        ({"activation": ("sigmoid", "tanh"), "momentum": (0, 0.9)}, "", 4, 1),
        ({"momentum": tuple(range(8))}, "momentum", 8, 1),
        ({"momentum": tuple(range(9))}, "", 1, 9),
        ({"activation": ("sigmoid", "tanh"), "momentum": (0, 0.1, 0.9)}, "momentum", 3, 2),
        ({"activation": ("sigmoid", "tanh"), "learning_rate": tuple(range(1, 21))}, "activation", 2, 20),
        ({"momentum": tuple(range(30))}, "", 1, MAX_PANELS),
        ({"momentum": tuple(range(9)), "learning_rate": tuple(range(1, 10))}, "", 1, MAX_PANELS),
    ],
)
def test_arms_share_panels_while_they_can_be_told_apart(vary, colour, series, count):
    study = Study("xor", vary=vary)
    found = panels(study, ())
    assert (found.colour, len(found.series), len(found.panels)) == (colour, series, count)
    assert len(found.series) <= MAX_COLOURS == len(set(theme.CATEGORIES))
    assert len(set(found.places.values())) == len(found.places)  # no two arms in one place
    assert len(found.places) + found.left_out == len(study.arms)


def test_of_too_many_arms_the_first_and_the_best_are_drawn():
    study = Study("xor", vary={"momentum": tuple(k / 100 for k in range(40))})
    names = [arm.name for arm in study.arms]
    found = panels(study, names[::-1])
    assert list(found.places) == [names[0], *names[-(MAX_PANELS - 1) :]]
    assert found.left_out == 40 - MAX_PANELS


# --- rows ---


def test_survival_rows_are_the_kaplan_meier_curve_to_the_horizon(states):
    results, summary = states["grid"]
    rows = picture(states["grid"], "survival").rows
    for arm in summary.arms:
        own = [row for row in rows if row["arm"] == arm.name]
        assert (own[0]["epoch"], own[0]["unsolved"], own[-1]["epoch"]) == (0, 1, summary.horizon)
        for row in own:
            assert (row["unsolved"], row["low"], row["high"]) == arm.curve.at(row["epoch"])
        assert {row["epoch"] for row in own} == {*arm.curve.epochs.tolist(), summary.horizon}
    assert {row["arm"] for row in rows} == set(results.arms)


def test_a_long_survival_curve_is_thinned_to_what_can_be_seen(made_up):
    results, summary = made_up({}, "solved", seeds=2000, epochs=100_000)
    object.__setattr__(summary.arms[0], "curve", _all_different(2000))
    rows = _rows.survival(summary, panels(results.study, ()))
    curve = summary.arms[0].curve
    assert 190 <= len(rows) <= 203
    for epoch in range(0, 2001, 7):
        drawn = [row["unsolved"] for row in rows if row["epoch"] <= epoch][-1]
        assert 0 <= drawn - curve.at(epoch)[0] < _rows.MIN_FALL + 1e-9
    assert rows[-1]["unsolved"] == 0


def _all_different(count):
    return kaplan_meier(np.arange(1, count + 1), np.ones(count, bool))


def test_loss_rows_keep_a_solved_run_and_count_a_diverged_one_as_infinite(made_up):
    results, summary = made_up({}, "solved", seeds=10)
    results.stopped[7:, 0] = "diverged"
    rows = picture((results, summary), "loss").rows
    assert [row["epoch"] for row in rows] == [1, 11, 21, 31, 41, 51, 61, 71, 81, 91, 100]
    assert {row["runs"] for row in rows} == {10}
    # Ranks 1, 5 and 9 of ten: seven errors of 0.05 and up, and three that are infinite.
    last = rows[-1]
    assert (last["low"], last["median"], last["high"]) == (pytest.approx(0.05), pytest.approx(0.054), None)
    first = sorted(results.history[:, 0, 0])
    assert (rows[0]["low"], rows[0]["median"], rows[0]["high"]) == (first[0], first[4], first[8])


def test_an_error_of_0_is_drawn_on_the_floor_of_a_logarithmic_axis(made_up):
    results, summary = made_up({}, "solved")
    results.error[:] = 0
    row = picture((results, summary), "loss").rows[-1]
    assert row["low"] == row["median"] == row["high"] == _rows.MIN_ERROR


def test_difference_rows_are_the_comparisons_with_effect_beside_p(states):
    _, summary = states["grid"]
    rows = picture(states["grid"], "differences").rows
    told = [c for c in summary.comparisons if "error" not in c.kind]  # of solved runs the errors are of other epochs
    assert len(rows) == len(told) == 6
    for row, c in zip(rows, told, strict=True):
        times = 100 if c.kind == "success rate" else 1
        assert (row["effect"], row["low"], row["high"]) == (times * c.effect, times * c.low, times * c.high)
        assert (row["p"], row["clear"], row["n"]) == (c.p_holm, c.p_holm <= 0.05, c.n)
        assert (row["arm"], row["against"]) == (c.arm, c.against)
    assert {row["clear"] for row in rows} == {True, False}
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    assert kinds == ["success rate, percentage points", "epochs to solve"]


def test_heat_rows_are_the_arms_at_their_rate_and_momentum(states):
    _, summary = states["grid"]
    rows = picture(states["grid"], "success").rows
    assert [(row["learning_rate"], row["momentum"]) for row in rows] == [
        ("0.1", "0"),
        ("0.1", "0.9"),
        ("0.5", "0"),
        ("0.5", "0.9"),
    ]
    assert [row["success"] for row in rows] == [arm.success.value for arm in summary.arms]
    assert [row["epochs"] for row in rows] == [arm.epochs.value for arm in summary.arms]
    assert {row["panel"] for row in rows} == {""}


def test_what_varies_besides_makes_a_panel_of_the_heat_map(made_up):
    vary = {"activation": ("sigmoid", "tanh"), "momentum": (0, 0.9), "hidden_bias": (True,), "learning_rate": (1, 2)}
    rows = picture(made_up(vary), "success").rows
    assert [row["panel"] for row in rows] == ["activation=sigmoid"] * 4 + ["activation=tanh"] * 4


def test_a_partial_study_shows_the_seeds_of_its_last_look_and_curves_of_all_that_are_there(states):
    for p in report.pictures(*states["partial"]):
        seeds = 5 if p.kind == "loss" else 3
        assert {row.get("runs", row.get("n", seeds)) for row in p.rows} == {seeds}, p.kind


@pytest.mark.parametrize(
    ("state", "kinds"),
    [
        ("twelve", ["scores", "survival", "shares", "differences", "loss"]),
        ("grid", ["scores", "survival", "shares", "differences", "success", "epochs", "loss"]),
        ("one", ["survival", "loss"]),
        ("unsolved", ["scores", "differences", "loss"]),
        ("diverged", ["loss"]),
        ("one seed", ["loss"]),
        ("nothing", []),
    ],
)
def test_there_is_a_chart_for_what_there_are_numbers_for(states, state, kinds):
    found = report.pictures(*states[state])
    assert [p.kind for p in found] == kinds
    for p in found:
        assert p.title
        assert p.caption.endswith(".")
        assert p.description.endswith(".")
        assert not re.search(r"\bnan\b|None", p.description)


# --- drawn ---


@pytest.mark.parametrize("state", STATES)
def test_altair_draws_every_state(states, state):
    """Altair checks each chart against Vega-Lite's schema."""
    for p in report.pictures(*states[state]):
        spec = draw.chart(p).to_dict()
        assert spec["description"] == p.description
        assert spec["usermeta"]["fit"]["most"] >= 1


@pytest.mark.parametrize("state", ["grid", "diverged"])
def test_vega_draws_them(states, state):
    for p in report.pictures(*states[state]):
        svg = vl_convert.vegalite_to_svg(draw.chart(p).to_dict())
        assert "NaN" not in svg
        assert p.kind not in ("survival", "loss") or svg.count("mark-line") >= 1
        assert p.kind != "success" or svg.count('aria-roledescription="rect mark"') == 4


def test_lines_are_told_apart_without_their_colours_and_by_one_legend(states):
    for p in report.pictures(*states["grid"]):
        if p.kind in ("survival", "loss"):
            svg = vl_convert.vegalite_to_svg(draw.chart(p).to_dict())
            dashes = {f'stroke-dasharray="{",".join(map(str, d))}"' for d in theme.DASHES}
            assert all(svg.count(dash) == 2 for dash in dashes)  # the line's, and its symbol's in the legend
            assert svg.count(">learning-rate=0.1, momentum=0.9<") == 1


def test_the_pdf_has_a_page_a_picture_its_fonts_and_no_date(states):
    pictures = report.pictures(*states["grid"])
    pdf = paper.pdf(pictures)
    assert pdf == paper.pdf(pictures)
    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/Type /Page\b", pdf)) == len(pictures) == 7
    assert b"/FontFile2" in pdf
    assert b"/Subtype /Image" not in pdf
    assert b"Date" not in pdf


def test_each_chart_has_a_file_and_the_specification_that_it_is_drawn_from(states):
    pictures = report.pictures(*states["grid"])
    files = paper.files(pictures[2:4])
    assert list(files) == ["shares.pdf", "shares.vl.json", "differences.pdf", "differences.vl.json"]
    assert paper.is_pdf(files["shares.pdf"][:4096], b"")
    assert paper.is_spec(files["shares.vl.json"][:4096], b"")
    assert not paper.is_spec(b'{\n  "usermeta": {}}', b"")
    drawn = draw.chart(pictures[3]).to_dict()
    spec = json.loads(files["differences.vl.json"])
    assert spec["data"] == drawn["data"]
    assert [layer["mark"] for layer in spec["spec"]["layer"]] == [layer["mark"] for layer in drawn["spec"]["layer"]]


# --- rows of dots ---


def test_each_varied_field_has_a_column_of_its_own_beside_the_dots(states):
    p = picture(states["grid"], "differences")
    assert p.fields == ("learning-rate", "momentum")
    svg = vl_convert.vegalite_to_svg(draw.chart(p).to_dict())
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert [texts.count(word) for word in p.fields] == [1, 1]
    assert texts.count("0.9") == 2
    assert not [word for word in texts if "=" in word]


def test_a_long_value_is_cut_where_it_does_not_differ():
    same = "a/very/long/path/to/some/folder/of/tables/"
    assert dots.short([f"{same}one.csv", f"{same}two.csv", "iris"]) == [
        "a/very/long/path/to…r/of/tables/one.csv",
        "a/very/long/path/to…r/of/tables/two.csv",
        "iris",
    ]
    middle = [f"{same}{k}{same}" for k in "ab"]
    assert dots.short(middle) == ["…a…", "…b…"]
    odd = [f"{'x' * 40}{k}{'y' * 40}{k}{'z' * 40}" for k in "ab"]
    assert len(set(dots.short(odd))) == 2


def test_a_score_leads_and_is_followed(scored):
    results, summary = scored
    found = {p.kind: p for p in report.pictures(results, summary)}
    assert list(found) == ["scores", "shares", "differences", "score", "learning", "loss"]
    rows = found["scores"].rows
    assert [row["outcome"] for row in rows] == ["test accuracy, %"] * 4
    assert [row["value"] for row in rows] == sorted((row["value"] for row in rows), reverse=True)
    assert rows[0]["value"] == pytest.approx(100 * results.scores["test_accuracy"].mean(axis=0).max())
    last = [row for row in found["learning"].rows if row["epoch"] == 100]
    assert [row["runs"] for row in last] == [12] * 4
    assert last[0]["median"] == pytest.approx(100 * sorted(results.scores["test_accuracy"][:, 0])[5])


def test_each_object_of_the_pdf_is_where_its_table_says_and_every_reference_has_one(states):
    pdf = paper.pdf(report.pictures(*states["grid"])[:2])
    table = pdf[int(pdf.split(b"startxref")[-1].split()[0]) :].split(b"trailer")[0]
    places = [int(place) for place in re.findall(rb"(\d{10}) 00000 n\r\n", table)]
    assert len(table) == len(b"xref\n0 ?\n") + len(str(len(places) + 1)) - 1 + 20 * (
        len(places) + 1
    )  # entries of 20 bytes
    objects = {}
    for number, place in enumerate(places, start=1):
        assert pdf[place:].startswith(b"%d 0 obj\n" % number)
        objects[number] = pdf[place:].partition(b"endobj")[0].partition(b"stream\n")[0]
    for head in objects.values():
        assert {int(to) for to in re.findall(rb"\b(\d+) 0 R", head)} <= objects.keys()
    # From the catalog to each page, and to that page's own drawing.
    kids = [int(kid) for kid in re.findall(rb"(\d+) 0 R", objects[2].partition(b"/Kids")[2])]
    pages = [int(re.search(rb"/Kids \[(\d+) 0 R\]", objects[kid])[1]) for kid in kids]
    assert (len(set(pages)), b"/Count 2" in objects[2], b"/Pages 2 0 R" in objects[1]) == (2, True, True)
    for kid, page in zip(kids, pages, strict=True):
        assert b"/Parent 2 0 R" in objects[kid]
        assert b"/Parent %d 0 R" % kid in objects[page]
    drawings = [int(re.search(rb"/Contents \[?(\d+) 0 R", objects[page])[1]) for page in pages]
    assert kids[0] < drawings[0] < kids[1] < drawings[1]  # each file's objects stay together
    assert all(b"/Filter /FlateDecode" in objects[drawing] for drawing in drawings)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.5, 0.6, [0.5]), (1e-12, 1, [1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 1]), (3, 3, [])],
)
def test_a_logarithmic_axis_has_a_handful_of_lines(low, high, expected):
    assert theme.log_ticks(low, high) == expected
