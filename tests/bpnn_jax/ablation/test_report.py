"""``bpnn report``: one page that needs nothing else, shows the results, and lets no file's name do harm."""

import base64
import hashlib
import json
import os
import re
import shlex
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from bpnn_jax import cli
from bpnn_jax._runtime.text import plain
from bpnn_jax.ablation import report, runner
from bpnn_jax.ablation.certificate import Certificate
from bpnn_jax.ablation.report import words
from bpnn_jax.ablation.report.page import page
from bpnn_jax.ablation.report.rows import fields
from bpnn_jax.ablation.results import summarise
from bpnn_jax.ablation.study import Study
from bpnn_jax.cli import main
from bpnn_jax.commands.ablate import study as asked
from bpnn_jax.settings import Run
from bpnn_jax.verify.checks import Check

pytestmark = pytest.mark.quick_xla
STATES = ("twelve", "grid", "one", "unsolved", "diverged", "one diverged", "partial", "one seed", "nothing", "many")
PLACE = {"bpnn_jax": "0.1.0", "jax": "0.10.2", "xla_flags": ""}


class Read(HTMLParser):
    """The elements of a page with their attributes, its text without scripts, and the scripts."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.open, self.text, self.scripts = [], [], "", []
        self.feed(html)
        self.close()
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        elif not self.open or self.open[-1] != "style":
            self.text += data

    def all(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


def made(state, **options):
    return page(*state, report.pictures(*state), PLACE, **options)


@pytest.fixture(scope="module")
def grid(states):
    html = made(states["grid"])
    return html, Read(html)


# --- self-contained ---


def test_the_page_refers_to_nothing_outside_itself(grid):
    html, read = grid
    assert not read.open
    assert not [
        tag for tag, _ in read.elements if tag in ("link", "img", "iframe", "object", "embed", "base", "form", "a")
    ]
    assert not [attrs for _, attrs in read.elements if attrs.keys() & {"src", "href", "srcset", "style", "action"}]
    assert not [name for _, attrs in read.elements for name in attrs if name.startswith("on")]
    style = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style


def test_no_script_runs_but_the_one_bundle_and_nothing_may_be_fetched(grid):
    _, read = grid
    data, script = read.scripts
    assert [attrs.get("type") for attrs in read.all("script")] == ["application/json", None]
    (policy,) = [a["content"] for a in read.all("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; ")
    assert f"script-src 'sha256-{digest}';" in policy
    assert "unsafe-eval" not in policy
    assert "connect-src" not in policy
    assert "\r" not in script  # a browser would read \n, and the hash would be another
    assert len(script) < 1_100_000
    embedded = json.loads(data)
    assert embedded["charts"].keys() == {a["id"] for a in read.all("div") if a.get("role") == "img"}
    assert not [spec for spec in embedded["charts"].values() if "url" in spec["data"] or "config" in spec]


def test_the_same_results_make_the_same_page(grid, states):
    assert made(states["grid"]) == grid[0]


HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>&amp;\"'{{ 7*7 }}\ud800.txt"


def test_a_hostile_name_is_text_and_nothing_else(made_up):
    state = made_up({}, task=HOSTILE)
    html = made(state, complaints=[f"{HOSTILE} cannot be read"]).encode("utf-8", "replace").decode()
    read = Read(html)
    assert len(read.all("script")) == 2
    assert not read.all("img")
    said = plain(HOSTILE)
    assert read.text.count(said) >= 4
    assert "<script>alert" not in html
    assert json.loads(read.scripts[0])["charts"]["chart-survival"]["data"]["values"][0]["arm"] == HOSTILE


def test_results_show_a_few_lines_in_a_notebook_and_names_as_text(made_up, states):
    results, _ = made_up({}, task=HOSTILE)
    assert "<script>" not in results._repr_html_()
    assert "&lt;script&gt;alert(1)" in results._repr_html_()
    lines = repr(states["twelve"][0]).splitlines()
    assert lines[0] == "Results of xor: 12 arms, 12 seeds, 100 epochs, 144 of 144 runs"
    assert lines[1] == "  activation=sigmoid, hidden-bias=off, momentum=0: 12 runs, 6 solved, 0 diverged"
    assert (lines[-1], len(lines)) == ("  ...: 4 arms more", 10)


# --- accessible ---


def test_charts_have_words_and_tables_captions_and_headers(grid, states):
    _, read = grid
    pictures = {f"chart-{p.kind}": p.description for p in report.pictures(*states["grid"])}
    assert {a["id"]: a["aria-label"] for a in read.all("div") if a.get("role") == "img"} == pictures
    assert read.all("html") == [{"lang": "en"}]
    assert len(read.all("table")) == len(read.all("caption")) == 4
    assert {a["scope"] for a in read.all("th")} == {"col", "row"}
    identities = [a["id"] for _, a in read.elements if "id" in a]
    assert len(set(identities)) == len(identities)
    assert {a["aria-labelledby"] for _, a in read.elements if "aria-labelledby" in a} <= set(identities)
    levels = [int(tag[1]) for tag, _ in read.elements if tag in ("h1", "h2", "h3")]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


# --- what it says ---


@pytest.mark.parametrize("state", STATES)
def test_every_state_of_a_study_has_a_page(states, state):
    html = made(states[state])
    read = Read(html)
    assert not read.open
    assert "nan" not in read.text.split()
    assert not re.search(r"\bNone\b(?! of these)", read.text)
    results, _ = states[state]
    assert ("Not finished" in read.text) == (not results.complete)
    assert (results.sha256 or "no hash") in f"{read.text} no hash"
    rows = [row for table in re.findall(r'data-table="arms".*?</table>', html, re.S) for row in table.split("<tr>")[2:]]
    assert len(rows) == len(results.arms)
    for row, named in zip(rows, fields(results).values(), strict=True):
        assert re.findall(r'<th scope="row" class="name">(.*?)</th>', row) == list(named.values())


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (
            "grid",
            "xor was solved most often with learning-rate=0.5, momentum=0.9: in 100% [75.8, 100] of 12 runs, after 31.2 [",
        ),
        ("grid", "Minus the first arm, learning-rate=0.1, momentum=0: success rate +50 points ["),
        ("one", "xor was solved in 100% [75.8, 100] of 12 runs, after"),
        ("unsolved", "No run of any arm was solved by epoch 100. The lowest final error is that of learning-rate=0.1"),
        ("diverged", "No run of any arm was solved by epoch 100. In every arm some runs diverged"),
        (
            "partial",
            "Not finished: 20 of 48 runs are there. What follows is look 1 of 4, over the first 3 of 12 seeds",
        ),
        ("one seed", "No look is reached yet, or not two seeds"),
    ],
)
def test_the_finding_is_said_with_its_interval_and_its_effect_beside_p(states, state, expected):
    results, summary = states[state]
    assert expected in f"{words.progress(results)} {words.finding(results, summary)}"


def test_where_the_first_arm_is_the_best_the_next_is_told(made_up):
    results, _ = made_up({"momentum": (0, 0.1, 0.9)}, "solved")
    results.epochs[:] = results.epochs[:, ::-1]
    said = words.finding(results, summarise(results))
    assert said.startswith(
        "xor was solved as often as any, and fastest of 3 such arms with momentum=0: in 100% [75.8, 100]"
    )
    assert " No arm did better. The next, momentum=0.1, minus it: success rate +0 points [" in said


def test_differences_that_are_not_clear_are_called_so(made_up):
    results, _ = made_up({"momentum": (0, 0.9)}, "epochs")
    results.stopped[0, 1] = "solved"
    results.epochs[0, 1] = 99
    said = words.finding(results, summarise(results))
    assert said.endswith("None of these is clear: after Holm no p is 0.05 or less.")
    assert "None of these" not in words.finding(*made_up({"momentum": (0, 0.9)}, "mixed", seeds=40))


def test_before_the_first_look_the_arms_have_their_means_so_far(states):
    text = Read(made(states["one seed"])).text
    assert "success rate, so far" in text
    assert "epochs to solve, so far" in text
    assert "so far" not in Read(made(states["partial"])).text


def test_certificates_are_told_with_what_they_rest_on(made_up):
    results, summary = made_up({"order": ("simultaneous", "article")})
    good = Check(3, "(10)", "JAX float64", 2, 1e-17, 4e-17, "correct")
    results.certificates.update(
        {
            results.arms[0]: Certificate("gradient", None, True, (good, good)),
            results.arms[1]: Certificate("not a gradient", 1.25, True, (good,)),
        }
    )
    text = Read(made((results, summary))).text
    assert "gradient2 checks, worst at 0.25 of its bound" in text
    assert "not a gradient1.2° off the gradient, 1 checks" in text
    bad = Check(3, "(9)", "JAX float64", 2, 1.0, 1e-16, "wrong")
    results.certificates[results.arms[0]] = Certificate("wrong", None, True, (good, bad))
    assert "wrongfailed: (9) JAX float64" in Read(made((results, summary))).text


@pytest.mark.parametrize(
    "study",
    [
        Study("xor"),
        Study("nand", vary={"hidden": ((2,), (4, 2), ()), "learning_rate": (0.1, 1e-7, 30)}, seeds=range(5, 9)),
        Study(
            "my file's.txt", vary={"hidden_bias": (True, False)}, base=Run(hidden=(3, 2), ranges=(0.5,)), seeds=(9, 2)
        ),
        Study(
            "xor", vary={"momentum": (0.9,)}, base=Run(momentum=0.3, input_bias=False, shuffle=True), points=7, chunk=64
        ),
        Study("xor", base=Run(rule="adam", learning_rate=0.01, mode="batch", dtype="float64"), seeds=(4,)),
    ],
    ids=lambda study: study.task,
)
def test_the_command_on_the_page_asks_for_this_study_again(study):
    program, name, *rest = shlex.split(words.command(study))
    assert (program, name) == ("bpnn", "ablate")
    again = asked(cli.parse(["ablate", *rest]))
    assert again.arms == study.arms
    assert list(again.seed_list) == list(study.seed_list)
    assert (again.task, again.epochs, again.points, again.chunk) == (
        study.task,
        study.epochs,
        study.points,
        study.chunk,
    )


# --- the command ---


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "study"
    runner.run(Study("nand", vary={"momentum": (0, 0.5)}, seeds=6, epochs=300), folder)
    return folder


@pytest.fixture
def bpnn(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        capsys.readouterr()
        code = main(["report", *map(str, arguments)])
        out, err = capsys.readouterr()
        return code, " ".join(out.split()), err.removeprefix("\n")

    return run


def test_a_page_figures_and_the_rows_of_the_charts(bpnn, trained):
    before = set(trained.rglob("*"))
    code, out, err = bpnn(trained, "--html", "one.html", "--pdf", "one.pdf", "--json", "one.json")
    assert (code, err) == (0, "")
    assert re.search(r"one\.html, (9\d\d kB|1\.0 MB), 4 charts one\.pdf, \d\d kB, 4 pages", out)
    read = Read(Path("one.html").read_text("utf-8"))
    said = json.loads(Path("one.json").read_text())
    assert said["results_sha256"] in read.text
    assert said["charts"].keys() == {"scores", "survival", "differences", "loss"}
    assert said["summary"]["arms"][0]["name"] == "momentum=0"
    assert Path("one.pdf").read_bytes().startswith(b"%PDF")
    assert "bpnn ablate --task nand --vary momentum=0,0.5 --seeds 6 --epochs 300 --out study" in read.text
    assert read.text.count("checks, worst at") == 2
    assert set(trained.rglob("*")) == before
    assert bpnn(trained)[0] == 0
    assert (trained / "report.html").read_bytes() == Path("one.html").read_bytes()


def test_a_report_that_cannot_be_written_leaves_what_was_there(bpnn, trained, monkeypatch):
    Path("old.html").write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    code, _, err = bpnn(trained, "--html", "old.html", "--overwrite")
    assert code == 2
    assert err == "bpnn report: old.html: expected a path that can be written, got: No space left on device\n"
    assert [path.name for path in Path().iterdir()] == ["old.html"]
    assert Path("old.html").read_text() == "old"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["."], "expected the folder of a study, got no study.json in it"),
        (["missing"], "expected the folder of a study, got no study.json in it"),
        (["STUDY", "--html", "a", "--pdf", "a"], "expected different files for --html and --pdf, got a for both"),
        (["STUDY", "--html", "no/such.html"], "got: no folder no"),
        (["STUDY", "--json", "STUDY/study.json"], "expected --json to name another file than what is read"),
        (["STUDY", "--html", "STUDY/chunks/a.parquet"], "which is in the study"),
        (["STUDY", "--pdf", "STUDY/../study/chunks/a.parquet"], "which is in the study"),
    ],
)
def test_what_is_refused_in_a_sentence(bpnn, trained, arguments, words):
    code, out, err = bpnn(*(a.replace("STUDY", str(trained)) for a in arguments))
    assert (code, out) == (2, "")
    assert words in err
    assert not list(Path().iterdir())


@pytest.mark.parametrize("missing", ["altair", "vl_convert"])
def test_without_a_package_it_says_what_to_install(missing, without, bpnn, trained):
    without(missing, "bpnn_jax.ablation.report")
    code, out, err = bpnn(trained, "--html", "a.html", "--pdf", "a.pdf")
    assert (code, out) == (2, "")
    assert err.startswith("bpnn report: ")
    assert "for these pip install 'bpnn-jax[report]'" in err
    assert not list(Path().iterdir())
