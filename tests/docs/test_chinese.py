"""The pages in Chinese are in step with those in English: headings, code, commands, numbers; equations and the questions answered."""

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
README, README_ZH = (
    (folder / name).read_text("utf-8") for folder, name in ((DOCS.parent, "README.md"), (DOCS, "README.zh.md"))
)
DERIVATION, DERIVATION_ZH = ((DOCS / name).read_text("utf-8") for name in ("derivation.md", "derivation.zh.md"))
BLOCK = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
NUMBER = re.compile(r"\d+(?:[.,]\d+)*(?: \d{3})*")


def sections(text):
    """The parts between headings, without code blocks; headings themselves left out."""
    return re.split(r"^#+ .*$", BLOCK.sub("", text), flags=re.MULTILINE)


def test_the_same_headings_and_code_blocks():
    levels = [re.findall(r"^(#+) ", BLOCK.sub("", text), re.MULTILINE) for text in (README, README_ZH)]
    assert levels[0] == levels[1]
    assert len(levels[0]) >= 8
    assert BLOCK.findall(README) == BLOCK.findall(README_ZH)


def test_the_same_commands_and_names_in_each_section():
    for english, chinese in zip(sections(README), sections(README_ZH), strict=True):
        assert sorted(set(re.findall(r"`([^`]+)`", english))) == sorted(set(re.findall(r"`([^`]+)`", chinese)))


def test_the_same_numbers_in_each_section():
    for english, chinese in zip(sections(README), sections(README_ZH), strict=True):
        both = [re.sub(r"`[^`]+`|\]\([^)]*\)", "", text) for text in (english, chinese)]
        assert sorted(set(NUMBER.findall(both[0]))) == sorted(set(NUMBER.findall(both[1])))


def test_links_lead_to_the_same_pages():
    """But for the derivation, which is Chinese there."""

    def led(text, folder):
        found = {(folder / target).resolve() for target in re.findall(r"\]\(([^)#]+)\)", text)}
        return {Path(str(path).replace(".zh.md", ".md")) for path in found} - {
            DOCS / "README.md",
            DOCS.parent / "README.md",
        }

    assert led(README, DOCS.parent) == led(README_ZH, DOCS)


def equations(text):
    return {
        int(number): re.sub(r"\\text\{[^}]*\}", r"\\text{}", latex)
        for latex, number in re.findall(
            r"^\$\$\n((?:(?!\$\$).)*?)\\tag\{(\d+)\}\n\$\$$", text, re.DOTALL | re.MULTILINE
        )
    }


def test_the_same_equations():
    assert equations(DERIVATION) == equations(DERIVATION_ZH)
    assert len(equations(DERIVATION)) >= 20


def test_every_question_that_is_answered_in_english_is_answered_in_chinese():
    asked = [
        set(re.findall(r"#(\d+)\b", text[text.index(title) :]))
        for text, title in ((DERIVATION, "## Questions"), (DERIVATION_ZH, "## 读者的问题"))
    ]
    assert asked[0] <= asked[1]
    assert len(asked[0]) >= 9
