"""The study's page in a browser: what it asks for, what axe finds, its keys, its tooltips, a phone and paper."""

import re
import shutil
import subprocess

import pytest

pytest.importorskip("vl_convert", reason="the page stands on vl-convert: pip install 'bpnn-jax[report]'")

from bpnn_jax.ablation import report
from bpnn_jax.ablation.report.page import page
from tests.browser import PHONE

PLACE = {"bpnn_jax": "0.1.0", "jax": "0.10.2"}
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>&amp;\"'\u202e\U0001f600 " + "long" * 30
LATER = "await new Promise((done) => setTimeout(done, 20));"
DRAWN = f"while (!document.documentElement.dataset.drawn) {LATER}"


@pytest.fixture(scope="module")
def files(states, scored, made_up, tmp_path_factory):
    folder, found = tmp_path_factory.mktemp("pages"), {}
    every = {
        "twelve": states["twelve"],
        "scored": scored,
        "partial": states["partial"],
        "hostile": made_up({}, task=HOSTILE),
    }
    for name, state in every.items():
        found[name] = folder / f"{name}.html"
        found[name].write_text(page(*state, report.pictures(*state), PLACE), "utf-8")
    return found


@pytest.fixture
def opened(browser, files):
    def opened(name, **settings):
        found = browser.open(files[name], **settings)
        found.run(DRAWN)
        return found

    return opened


LIGHT, DARK = {}, {"size": PHONE, "scheme": "dark"}
# Colours and widths are the same rules on every page: in either look one with each kind of table, and one that is not finished.
TWICE = [(name, look) for name in ("twelve", "partial", "scored", "hostile") for look in (LIGHT, DARK)]


@pytest.mark.parametrize(
    ("name", "look"),
    [
        pytest.param(name, look, marks=[pytest.mark.deep] * (name in ("scored", "hostile") and look is LIGHT))
        for name, look in TWICE
    ],
    ids=[f"{name}, {'light' if look is LIGHT else 'phone, dark'}" for name, look in TWICE],
)
def test_no_request_no_complaint_nothing_too_wide_and_nothing_serious(opened, files, name, look):
    shown = opened(name, **look)
    assert shown.log() == []
    assert shown.requests() == [files[name].as_uri()]
    assert shown.run("return document.documentElement.scrollWidth <= innerWidth")
    charts = "return [...document.querySelectorAll('.chart')].map((c) => c.querySelectorAll('svg path').length > 3)"
    assert all(shown.run(charts))
    assert shown.run("return document.querySelectorAll('img, script').length") == 2
    assert shown.accessibility() == []


def test_the_first_screen_of_a_phone_says_which_factor_matters(opened):
    shown = opened("scored", size=PHONE)
    seen = "const box = document.querySelector(arguments.length ? args[0] : '').getBoundingClientRect(); return box.bottom <= 844"
    assert shown.run(seen, ".headline")
    assert shown.run(seen, ".lead li:last-child")
    assert shown.run("return document.querySelector('.headline').textContent").startswith(
        "Test accuracy depends most on momentum, which makes "
    )


def test_the_first_columns_stay_while_the_others_scroll(opened):
    shown = opened("twelve", size=PHONE)
    at = "const t = document.querySelector('#table-arms'); t.parentElement.scrollLeft = args[0]; "
    at += "return [...t.tBodies[0].rows[0].cells].slice(0, 5).map((c) => Math.round(c.getBoundingClientRect().left))"
    before, after = shown.run(at, 0), shown.run(at, 120)
    assert after[:2] == before[:2]
    assert after[4] == before[4] - 120


def test_tables_sort_and_filter_by_the_keyboard(opened):
    shown = opened("twelve")
    column = "return [...document.querySelectorAll('#table-arms tbody tr')].filter((r) => !r.hidden)"
    column += ".map((r) => Number(r.cells[4].dataset.value))"
    shown.run("document.querySelectorAll('#table-arms .sort')[4].focus()")
    shown.keys("ENTER")
    rates = shown.run(column)
    assert rates == sorted(rates)
    shown.keys("ENTER")
    assert shown.run(column) == sorted(rates, reverse=True)
    assert len(set(rates)) > 1
    shown.run("document.querySelector('[aria-labelledby=arms] input, input[type=search]').focus()")
    shown.keys(*"tanh 0.9")
    assert len(shown.run(column)) == 2
    assert "2 of 12 rows" in shown.run("return document.querySelector('.bar [role=status]').textContent")


def test_every_table_and_chart_is_kept_as_csv(opened):
    shown = opened("twelve")
    kept = shown.run(
        """
        const kept = [];
        URL.createObjectURL = (blob) => { kept.push(blob); return "blob:none"; };
        HTMLAnchorElement.prototype.click = function () { kept.push(this.download); };
        for (const b of document.querySelectorAll("button")) if (b.textContent === "Save as CSV") b.click();
        return Promise.all(kept.map((one) => (one.text ? one.text() : one)));
        """
    )
    found = dict(zip(kept[1::2], kept[::2], strict=True))
    assert {"arms.csv", "effects.csv", "comparisons.csv", "scores.csv", "survival.csv", "loss.csv"} <= found.keys()
    lines = found["arms.csv"].removeprefix("\ufeff").splitlines()
    assert lines[0].startswith("activation,hidden-bias,momentum,runs,diverged,success_rate,")
    assert lines[1].startswith("sigmoid,off,0,12,0,0.5,")
    assert len(lines) == 13
    assert not [head for text in found.values() for head in text.splitlines()[0].split(",") if head.startswith("name")]
    # A formula is kept as text, and a quote is doubled.
    said = shown.run("return csv([{ a: '=cmd()', b: -1.5, c: '-0.5', d: 'x, \"y\"', e: null }])")
    assert said == 'a,b,c,d,e\r\n\'=cmd(),-1.5,-0.5,"x, ""y""",\r\n'


def test_words_are_told_by_focus_and_hidden_by_escape(opened):
    shown = opened("twelve")
    tip = "const t = document.getElementById('tip'); return t.hidden ? '' : t.textContent"
    told = f"for (let i = 0; i < 100 && document.getElementById('tip').hidden; i++) {LATER}"
    for word, said in (
        ("arm", "One combination"),
        ("certificate", "What the ladder"),
        ("ladder", "Checks"),
        ("points", "Perc"),
    ):
        shown.run("document.querySelector(`button[data-term='${args[0]}']`).focus()", word)
        shown.run(told)  # a busy machine's browser may take a moment to send the event
        assert shown.run(tip).startswith(said)
        shown.keys("ESCAPE")
        assert shown.run(tip) == ""


def test_a_legend_switches_lines_by_the_keyboard(opened):
    shown = opened("twelve")
    count = "return new Set([...document.querySelectorAll('#chart-survival .mark-line path')]"
    count += ".map((p) => p.getAttribute('stroke'))).size"
    assert shown.run(count) == 3
    shown.run("document.querySelector('.lines button').focus()")
    shown.keys("SPACE")
    assert shown.run("return document.querySelector('.lines button').getAttribute('aria-pressed')") == "false"
    shown.run(f"for (let i = 0; i < 100; i++) {{ if ((() => {{ {count} }})() === 2) return; {LATER} }}")
    assert shown.run(count) == 2


def test_a_tooltip_finds_the_nearest_point_and_has_a_row_per_field(opened):
    from selenium.webdriver import ActionChains

    shown = opened("twelve")
    place = shown.driver.find_element("css selector", "#chart-survival")
    shown.run("document.querySelector('#chart-survival').scrollIntoView({ block: 'center' })")
    ActionChains(shown.driver).move_to_element_with_offset(place, -120, -60).perform()  # no line is there
    ActionChains(shown.driver).move_by_offset(5, 5).perform()
    rows = shown.run(
        "return [...document.querySelectorAll('#tip tr')].map((r) => [...r.cells].map((c) => c.textContent))"
    )
    assert [row[0] for row in rows[:4]] == ["activation", "hidden-bias", "momentum", "epoch"]
    assert rows[0][1] in ("sigmoid", "tanh")


@pytest.mark.parametrize("name", ["twelve", "hostile"])
def test_paper_cuts_nothing(opened, name, tmp_path):
    shown = opened(name)
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    shown.command("Emulation.setEmulatedMedia", media="print", features=dark)
    shown.command("Emulation.setDeviceMetricsOverride", width=695, height=1020, deviceScaleFactor=1, mobile=False)  # A4
    wide = "return [...document.querySelectorAll('table, svg, pre, p, h1')].filter((e) => e.checkVisibility() && "
    wide += "e.getBoundingClientRect().right > 696).map((e) => e.outerHTML.slice(0, 80))"
    assert shown.run(wide) == []
    assert (
        shown.run("return getComputedStyle(document.body).color") == "rgb(28, 32, 37)"
    )  # on white, though the screen is dark
    if shutil.which("pdftotext"):
        file = shown.printed(tmp_path / "page.pdf")
        text = subprocess.run(["pdftotext", file, "-"], capture_output=True, text=True, check=True).stdout
        assert re.search("To repeat it to the bit", text)
