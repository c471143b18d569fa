"""The page in a browser: what it asks for, what it says, its keys, its address, both languages, and what axe finds."""

import random
import re
from urllib.parse import quote, unquote

import pytest

import manual
from docs.play import build
from manual.mistakes import MISTAKES
from tests.browser import PHONE

LARGEST = 1_000_000  # bytes
LOST_SUM = f"mistake={quote('the lost sum')}&task=own&t=0,1;1,0;1,0;0,1&step=10"
IRIS = "view=playground&task=iris&activation=tanh&output_activation=softmax&objective=cross-entropy&learning_rate=0.02&epochs=20"
VIEWS = {  # of each test of the whole page: its address, its size and its colours
    "derivation": {"fragment": LOST_SUM},
    "derivation on a phone, dark, Chinese": {"fragment": f"lang=zh&{LOST_SUM}", "size": PHONE, "scheme": "dark"},
    "playground": {"fragment": "view=playground&many=on&epochs=20&activation=tanh"},
    "playground on a phone, dark, Chinese": {"fragment": f"lang=zh&{IRIS}", "size": PHONE, "scheme": "dark"},
}


@pytest.fixture
def opened(browser):
    def opened(fragment="", **settings):
        page = browser.open(build.PAGE, fragment, **settings)
        page.run(SETTLED)
        return page

    return opened


@pytest.fixture
def moved(browser):
    """The page at another address without loading it again: it shows that state, in English, whatever it has shown before."""

    def moved(fragment):
        browser.shaped()
        if browser.driver.current_url.partition("#")[0] != build.PAGE.as_uri():
            browser.open(build.PAGE)
        browser.log()
        change = "const changed = new Promise((done) => addEventListener('hashchange', done, { once: true }));"
        browser.run(f"{change} location.hash = args[0]; await changed; {SETTLED}", f"lang=en&{fragment}")
        return browser

    return moved


# A training draws in slices, and counts those that are under way.
SETTLED = "while (!bpnn.atRest()) await new Promise((done) => setTimeout(done, 5))"
STATE = "return bpnn.read(location.hash).state"


@pytest.mark.parametrize("view", VIEWS)
def test_no_request_no_complaint_nothing_wider_than_the_window_and_nothing_serious(opened, view):
    page = opened(**VIEWS[view])
    assert page.log() == []
    assert [url.partition("#")[0] for url in page.requests()] == [build.PAGE.as_uri()]
    assert page.run("return document.documentElement.scrollWidth <= innerWidth")
    assert page.accessibility() == []


def test_the_file_is_small_and_names_no_server():
    text = build.PAGE.read_text("utf-8")
    assert len(text.encode()) < LARGEST
    assert set(re.findall(r"https?://[^\s\"'<>)]+", text)) == {
        "http://www.w3.org/2000/svg"
    }  # a name, which nothing asks for
    assert "default-src 'none'" in text


# --- keys ---


def test_every_control_is_reached_by_the_tab_key(opened):
    """In the playground with its hundred seeds, which are one stop, and in the derivation."""
    for fragment in ("", "view=playground&many=on&epochs=5"):
        page = opened(fragment)
        expected = page.run(
            "return [...document.querySelectorAll('button, select, input, summary, [tabindex=\"0\"]')]"
            ".filter((e) => e.tabIndex >= 0 && !e.disabled && e.checkVisibility()).length"
        )
        page.run(
            "document.activeElement.blur(); window.stops = new Set(); addEventListener('focusin', (e) => stops.add(e.target))"
        )
        page.typed("TAB", expected + 2)
        assert page.run("return stops.size") >= expected  # the link to the content comes on top


def test_steps_by_the_keyboard(opened):
    page = opened()
    page.run("document.getElementById('go-next').focus()")
    page.keys("ENTER", "ARROW_RIGHT", "ARROW_RIGHT", "ARROW_LEFT")
    assert page.run(STATE)["step"] == 2
    said = page.run(
        "return [document.querySelector('.said').textContent, document.querySelector('.numbers tbody').innerText]"
    )
    assert said[0].startswith("Step 2 of 14: activation of layer 1")
    assert "1 / (1 + e^0.0273)" in said[1]  # of pattern 2, by random.Random(0): z = -0.0318 + 0.0045
    assert "0.4932" in said[1]
    page.keys("END", "ARROW_RIGHT")
    assert page.run(STATE)["step"] == 14
    page.keys("HOME")
    assert page.run(STATE)["step"] == 0


def test_a_step_says_why_its_equations_hold(opened):
    panel = "return document.querySelector('[aria-labelledby=at-work]').innerText"
    shown = opened("lang=en&step=10").run(panel)
    assert "the sum over them stays" in shown
    assert "one term is left" not in shown  # that is (8)
    shown = opened("lang=en&step=8").run(panel)
    assert shown.index("the sum over patterns stays") < shown.index("for the bias node") < shown.index("By hand")
    names = "return [...document.querySelectorAll('.cells tbody th')].map((one) => one.textContent)"
    assert opened("lang=en&step=8").run(names) == ["∂E/∂W211", "∂E/∂W221", "∂E/∂W2bias,1"]
    assert opened("lang=zh&step=14").run(names)[-1] == "W2偏置,1"


def test_a_seed_is_chosen_by_the_keyboard(opened):
    page = opened("view=playground&many=on&epochs=20")
    page.run("document.getElementById('seed-0').focus()")
    page.keys("ARROW_DOWN", "ARROW_RIGHT", "ARROW_RIGHT", "ENTER")
    assert page.run(STATE)["seed"] == 12
    assert page.run("return document.getElementById('seed').value") == "12"


# --- the address ---


def test_the_address_holds_the_whole_state(opened):
    given = (
        "view=playground&lang=zh&task=own&x=0,0;0.5,1&t=1,0;0,1&hidden=3,2&activation=tanh&output_activation=softmax&"
        "objective=cross-entropy&input_bias=off&hidden_bias=off&initial=he&ranges=0.3&weights=&seed=77&rule=nesterov&"
        "learning_rate=0.01&momentum=0.9&weight_decay=0.001&mode=batch&order=article&shuffle=on&epochs=30&shown=50&many=off&"
        f"mistake={quote('the lost sum')}&pattern=2&alone=on&updates=3&step=4"
    )
    page = opened(given)
    fields = dict(part.split("=", 1) for part in given.split("&"))
    assert set(fields) == set(page.run("return Object.keys(bpnn.FIELDS)"))
    found = dict(part.split("=", 1) for part in unquote(page.run("return location.hash.slice(1)")).split("&"))
    assert found == {name: unquote(value) for name, value in fields.items()}
    assert page.run("return document.querySelector('.messages').textContent") == ""


@pytest.mark.parametrize(
    ("fragment", "words"),
    [
        ("seed=-1", ["seed=-1", "0 … 4294967295"]),
        ("seed=1.5", ["seed=1.5"]),
        ("learning_rate=nan", ["learning_rate=nan"]),
        ("learning_rate=0x10", ["learning_rate=0x10"]),
        ("activation=Tanh", ["activation=Tanh", "sigmoid, tanh"]),
        ("hidden=0", ["hidden=0"]),
        ("hidden=2,,2", ["hidden=2,,2"]),
        ("t=0;1,2&task=own", ["t=0;1,2"]),
        ("nothing=1", ["nothing=1", "hidden_bias"]),
        ("constructor=1", ["constructor=1"]),
        ("seed=%E0%A4%A", ["seed=%E0%A4%A"]),
        ("initial=given&weights=1;2", ["weights do not fit"]),
        ("objective=cross-entropy&activation=tanh", ["output is now a sigmoid"]),
        ("output_activation=softmax", ["softmax of one output"]),
        ("task=own&t=2;0;1;1&objective=cross-entropy", ["targets from 0 to 1"]),
        ("task=own&x=0,0;1,1", ["as many rows"]),
        ("mistake=%3Cimg%20src=x%3E", ["<img src=x>"]),
    ],
)
def test_what_an_address_says_that_cannot_be_is_told(moved, fragment, words):
    page = moved(fragment)
    said = page.run("return document.querySelector('.messages').innerText.toLowerCase()")
    for word in words:
        assert word.lower() in said
    assert page.log() == []
    assert page.run("return document.querySelectorAll('img').length") == 0


def test_a_field_that_holds_no_such_number_says_so_and_changes_nothing(opened):
    page = opened()
    before = page.run("return location.hash")
    page.run("document.getElementById('learning_rate').select()")
    page.keys("f", "a", "s", "t", "TAB")
    assert "got fast" in page.run("return document.getElementById('learning_rate-note').textContent")
    assert page.run("return location.hash") == before
    page.run("document.getElementById('learning_rate').select()")
    page.keys("0", ".", "2", "5", "TAB")
    assert page.run(STATE)["learning_rate"] == 0.25
    assert page.run("return document.getElementById('learning_rate-note').textContent") == ""


def test_a_weight_that_is_typed_over(opened):
    page = opened("step=1")
    page.run("document.getElementById('W1-0-1').select()")
    page.keys("2", "TAB")
    state = page.run(STATE)
    assert state["initial"] == "given"
    assert state["weights"][0][0][1] == 2
    assert (
        state["weights"][0][0][0] == 0.13776874061001926
    )  # the others keep all their digits: random.Random(0)'s first
    page.driver.refresh()
    assert page.run("return document.getElementById('W1-0-1').value") == "2"


# --- the mistakes ---


def test_each_mistake_is_shown_by_the_network_that_is_offered_for_it(opened):
    found = opened().run(
        """
        const data = JSON.parse(document.getElementById("data").textContent);
        return data.mistakes.map((mistake) => {
            const { state, notices } = bpnn.settled({ ...bpnn.PRESET, ...bpnn.showing(mistake), mistake: mistake.name }, data.iris);
            const { first } = bpnn.modelOf(state, data).found;
            return [mistake.name, first && first.equation, notices.length];
        });
        """
    )
    assert found == [[m.name, m.equation, 0] for m in MISTAKES]


def test_a_mistake_turns_its_first_wrong_number_red(opened):
    page = opened(f"mistake={quote('hidden sign')}")
    page.run("document.getElementById('go-first_wrong').click()")
    state = page.run(STATE)
    assert (state["step"], state["pattern"]) == (10, 1)  # of all patterns the first
    rows = page.run(
        "return [...document.querySelectorAll('.numbers tbody tr')].map((row) => [row.className, row.innerText])"
    )
    assert [kind for kind, _ in rows] == ["wrong first", "wrong"]
    assert "✗ wrong" in rows[0][1]
    assert "-" not in rows[0][1].replace("e-", "")
    text = page.run("return document.querySelector('[aria-labelledby=wrong]').innerText")
    assert "at equation (9)" in text
    assert page.run("return document.querySelectorAll('.network .node.wrong').length") == 2


def test_a_mistake_that_a_network_does_not_show_offers_one_that_does(opened):
    page = opened(
        f"mistake={quote('W not transposed')}"
    )  # of one output: a column, which is its own transpose in another shape
    assert "does not show the mistake" in page.run("return document.querySelector('[aria-labelledby=wrong]').innerText")
    page.run("document.getElementById('show-mistake').click()")
    assert "at equation (9)" in page.run("return document.querySelector('[aria-labelledby=wrong]').innerText")


def test_updates_go_on_from_the_moved_weights(opened):
    page = opened("step=14")
    before = page.run("return document.getElementById('W1-0-0').value")
    page.run("document.getElementById('take').click()")
    state = page.run(STATE)
    assert (state["updates"], state["step"]) == (1, 0)
    assert page.run("return document.getElementById('W1-0-0').value") != before


# --- a hundred seeds ---


def test_a_hundred_seeds_are_counted(opened):
    from bpnn_jax.statistics import wilson

    page = opened("view=playground&many=on&epochs=150&activation=tanh&learning_rate=0.3&momentum=0.3")
    assert page.run("return document.querySelectorAll('.learns, .fails').length") == 100
    learnt, said = page.run(
        "return [document.querySelectorAll('.learns').length, document.querySelector('[aria-labelledby=who] .verdict').textContent]"
    )
    assert 0 < learnt < 100
    low, high = wilson(learnt, 100)
    assert said.startswith(f"{learnt} of 100 seeds learn: {learnt}%.")
    assert f"is {100 * low:.0f}% to {100 * high:.0f}% (Wilson)" in said


# --- both languages ---


def test_both_languages_have_every_word(opened):
    """Each key in both, with the same values put in; and each is used."""
    page = opened()
    text, used = page.run("return [bpnn.TEXT, document.getElementById('data').textContent]")
    assert list(text["en"]) == list(text["zh"])
    for key, words in text["en"].items():
        assert sorted(re.findall(r"\{\d\}", words)) == sorted(re.findall(r"\{\d\}", text["zh"][key])), key
    used += "".join(file.read_text("utf-8") for file in build.SOURCES.glob("*.js") if not file.name.startswith("text_"))
    made = r"at_\w+|why_\d+|preset_\w+|view_\w+"  # put together where they are used
    assert [
        key for key in text["en"] if not re.fullmatch(made, key) and not re.search(rf"\b{re.escape(key)}\b", used)
    ] == []


def test_the_language_is_switched_and_kept(opened):
    page = opened("step=3")
    page.run("document.getElementById('lang-zh').focus()")
    page.keys("ENTER")
    assert page.run("return [document.documentElement.lang, document.activeElement.id]") == ["zh-Hans", "lang-zh"]
    assert page.run(STATE)["lang"] == "zh"
    text = page.run("return document.getElementById('page').innerText")
    assert "反向传播" in text
    left = set(re.findall(r"[A-Za-z]{4,}", text))
    assert not left & {"Step", "Number", "wrong", "Patterns", "Network", "Weights", "Measured", "form", "none"}


def test_every_mistake_has_a_chinese_name_and_reason(opened):
    page = opened("lang=zh")
    options = page.run("return [...document.getElementById('mistake').options].map((option) => option.textContent)")
    assert len(options) == len(MISTAKES) + 1
    assert all(re.search(r"[\u4e00-\u9fff]|′ =|relu", option) for option in options)


# --- the same run in a terminal ---


@pytest.mark.parametrize("initial", ["uniform", "glorot", "nguyen-widrow"])
def test_the_command_line_of_a_run_is_one(opened, initial):
    from bpnn_jax.cli import parse

    state = (
        f"task=nand&hidden=3,2&activation=tanh&rule=nesterov&hidden_bias=off&mode=batch&shuffle=on&initial={initial}"
    )
    page = opened(f"view=playground&seed=5&epochs=20&learning_rate=0.001&{state}")
    said = page.run("return [...document.querySelectorAll('.rest > section > pre code')].at(-1).textContent")
    words = said.split()
    assert words[:2] == ["bpnn", "train"]
    options = parse(words[1:])
    run = options.run
    assert (options.data, options.epochs, options.seed) == ("nand", 20, 5)
    assert (run.hidden, run.activation, run.rule, run.mode, run.initial) == (
        (3, 2),
        "tanh",
        "nesterov",
        "batch",
        initial,
    )
    assert (run.hidden_bias, run.input_bias, run.shuffle, run.learning_rate) == (False, True, True, 0.001)


# --- any state ---


def some_state(rng: random.Random) -> str:
    """Any value of every field, also those that do not go together."""
    activations = list(manual.ACTIVATIONS)
    choices = {
        "view": ["derivation", "playground"],
        "lang": ["en", "zh"],
        "task": ["xor", "own", "iris"],
        "hidden": ["", "1", "6,6,6", "3,2"],
        "activation": activations,
        "output_activation": ["same", "softmax", *activations],
        "objective": list(manual.OBJECTIVES),
        "input_bias": ["on", "off"],
        "hidden_bias": ["on", "off"],
        "initial": ["uniform", "nguyen-widrow", "he", "given"],
        "ranges": ["0", "100", "1,2,3,4"],
        "seed": ["0", "4294967295"],
        "rule": list(manual.RULES),
        "learning_rate": ["0", "0.5", "1000"],
        "momentum": ["0", "0.9", "1000"],
        "weight_decay": ["0", "0.1", "1000"],
        "mode": ["online", "batch"],
        "order": ["simultaneous", "article"],
        "shuffle": ["on", "off"],
        "epochs": ["1", "20"],
        "shown": ["0", "37.5", "100"],
        "mistake": ["", *(quote(m.name) for m in MISTAKES)],
        "pattern": ["1", "4"],
        "alone": ["on", "off"],
        "updates": ["0", "50"],
        "step": ["0", "7", "60"],
        "x": ["0,0;0,1;1,0;1,1", "0,0", "-100,100;1e-300,3"],
        "t": ["0;1;1;0", "0,1,0", "1,0;0,1", "5;5;5"],
    }
    return "&".join(f"{name}={rng.choice(values)}" for name, values in choices.items())


@pytest.mark.parametrize("seed", range(8))
def test_no_state_breaks_the_page(opened, moved, seed):
    """Numbers that overflow are said to be none; no word is missing, nothing is wider than the window."""
    page = (moved if seed % 2 else opened)(some_state(random.Random(seed)))
    text, broken, wide = page.run(
        """
        const page = document.getElementById("page");
        const words = [...page.querySelectorAll("[aria-label]")].map((element) => element.getAttribute("aria-label"));
        const drawn = [...page.querySelectorAll("svg *")].flatMap((element) => [...element.attributes].map(({ value }) => value));
        const broken = drawn.filter((value) => /NaN|Infinity|undefined/.test(value));
        return [page.innerText + words.join(" "), broken, document.documentElement.scrollWidth > innerWidth];
        """
    )
    assert not re.search(r"undefined|null|\[object|\{\d\}", text)
    assert (broken, wide, page.log()) == ([], False, [])
