"""The browser's own checks find what they are for: each is shown a page that has it."""

import pytest

GOOD = (
    '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">'
    '<title>t</title><main><h1>A page</h1><button id="b">press</button></main>'
)


@pytest.fixture
def opened(browser, tmp_path):
    def opened(html, **settings):
        (tmp_path / "page.html").write_text(html, "utf-8")
        return browser.open(tmp_path / "page.html", **settings)

    return opened


def test_a_page_with_nothing_wrong(opened):
    page = opened(GOOD)
    assert page.log() == []
    assert [url.rpartition("/")[2] for url in page.requests()] == ["page.html"]


@pytest.mark.parametrize(
    ("html", "word"),
    [
        ("<script>throw new Error('oh no')</script>", "oh no"),
        ("<script>console.error('not so')</script>", "not so"),
        (
            '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'"><script>1</script>',
            "Content Security Policy",
        ),
    ],
)
def test_what_the_console_says_is_seen(opened, html, word):
    (said,) = opened(GOOD + html).log()
    assert word in said


def test_a_request_is_seen(opened):
    page = opened(GOOD + '<img alt="" src="picture.png">')
    assert [url.rpartition("/")[2] for url in page.requests()] == ["page.html", "picture.png"]


def test_axe_finds_a_picture_without_words(opened):
    assert opened(GOOD).accessibility() == []
    (found,) = opened(GOOD + '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">').accessibility()
    assert "image-alt" in found


def test_size_scheme_and_keys(opened):
    page = opened(GOOD + "<script>b.onclick = () => b.textContent = 'pressed'</script>", size=(390, 844), scheme="dark")
    assert page.run("return [innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]") == [390, True]
    page.keys("TAB", "ENTER")
    assert page.run("return b.textContent") == "pressed"
    with pytest.raises(AssertionError, match="no such thing"):
        page.run("throw new Error('no such thing')")


def test_pictures(opened, tmp_path):
    page = opened(GOOD)
    assert page.picture(tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")
    assert page.printed(tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
