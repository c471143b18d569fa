"""``bpnn play``: where the page is, and who opens it."""

import json
import webbrowser
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

import pytest


@pytest.fixture
def opened(monkeypatch):
    """What a browser was asked to open; it says ``opened.answer``."""

    class Opened(list):
        answer = True

    asked = Opened()
    monkeypatch.setattr(webbrowser, "open", lambda address: asked.append(address) or asked.answer)
    return asked


def test_the_page_is_opened(bpnn, opened):
    ran = bpnn("play", "--view", "playground", "--lang", "zh")
    assert (ran.code, ran.err) == (0, "")
    assert opened == ran.out.splitlines()
    page = urlparse(opened[0])
    assert page.fragment == "view=playground&lang=zh"
    assert Path(url2pathname(page.path)).read_text("utf-8").startswith("<!doctype html>")


def test_without_a_browser_the_address_is_printed(bpnn, opened, tmp_path):
    ran = bpnn("play", "--no-browser", "--json", str(tmp_path / "play.json"))
    assert (ran.code, opened) == (0, [])
    result = json.loads((tmp_path / "play.json").read_text())
    assert ran.out.splitlines() == [result["address"]]
    assert (result["bpnn"], result["opened"]) == ("play", False)


def test_where_none_is_found_that_is_said(bpnn, opened):
    opened.answer = False
    first, second = bpnn("play").out.splitlines()
    assert opened == [first]
    assert "No browser was found" in second
