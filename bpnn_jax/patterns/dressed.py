"""Cells of words that are numbers in other clothes (12%, $1,200, 1.234,5), and those that are dates."""

import re

import numpy as np

CURRENCY = "$€£¥₹"
DASHES = (
    "-",
    "--",
    "—",
    "–",
    "*",
    "missing",
    "unknown",
    "none",
    "n.a.",
    "na",
    "not available",
)  # missing among numbers
_NUMBER = r"[-+]?(?:\d[\d.,' \u00a0\u202f]*|[.,]\d+)(?:[eE][-+]?\d+)?"
_DRESSED = re.compile(
    rf"\s*(?P<sign>[-+]?)\s*(?P<before>[{CURRENCY}]?)\s*(?P<number>{_NUMBER}?)\s*(?P<after>%|[{CURRENCY}]|\s[^\W\d]{{1,6}}[²³]?|)\s*"
)
_GROUPED = {
    ",": re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?"),
    ".": re.compile(r"[-+]?\d{1,3}(?:\.\d{3})+(?:,\d+)?"),
    " ": re.compile(r"[-+]?\d{1,3}(?:[ \u00a0\u202f']\d{3})+(?:[.,]\d+)?"),
}
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_TIME = r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:[ap]m)?\s*(?:z|utc|[+-]\d{2}:?\d{2})?"
_DATE = re.compile(
    rf"(?:\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}}[-/.]\d{{1,2}}[-/.](?:\d{{4}}|\d{{2}})|"
    rf"\d{{1,2}}[- ]{_MONTH}[- ,]*\d{{2,4}}|{_MONTH} \d{{1,2}},? \d{{4}})(?:[t ,]+{_TIME})?|{_TIME}",
    re.IGNORECASE,
)


def dates(words: list[str | None]) -> str | None:
    """One of the cells, where nine in ten of those that are filled are dates or times of day; None otherwise.

    >>> dates(["2024-01-31", "2024-02-01 10:30", None]), dates(["3", "4-5"])
    ('2024-01-31', None)
    """
    filled = [w for w in words if w is not None]
    found = [w for w in filled if _DATE.fullmatch(w.strip())]
    return found[0] if filled and len(found) >= 0.9 * len(filled) else None


def undressed(words: list[str | None], comma: bool = False) -> tuple[np.ndarray, str] | None:
    """The numbers of cells that are all numbers in the same clothes, with an example for a note; None where they are words.

    Clothes: a sign of currency, a percent sign or a unit (the same for all), thousands in groups, a decimal comma, a dash or a word
    for what is missing, which becomes NaN. ``comma``: whether the table has decimal commas.

    >>> undressed(["12.5%", "3%"]), undressed(["1,200", "950"])[0].tolist(), undressed(["a1", "a2"])
    ((array([12.5,  3. ]), '12.5% is 12.5'), [1200.0, 950.0], None)
    """
    texts: list[str | None] = []
    clothes, example = set(), ""
    for word in words:
        if word is None or word.strip().lower() in DASHES:
            texts.append(None)
            continue
        match = _DRESSED.fullmatch(word)
        if match is None or not match["number"] or (match["before"] and match["after"]):
            return None
        if match["before"] or match["after"]:
            clothes.add((match["before"], match["after"].strip()))
            example = example or word.strip()
        texts.append(match["sign"] + match["number"].strip())
    filled = [t for t in texts if t is not None]
    if (
        not filled or len(clothes) > 1 or (clothes and any(map(_bare, words)))
    ):  # 12% beside 0.3: nobody knows what 0.3 is
        return None
    mark = _decimal(filled, comma)
    if mark is None:
        return None
    read = [None if t is None else _plain(t, mark) for t in texts]
    try:
        found = np.array([np.nan if t is None else float(t) for t in read])
    except ValueError:
        return None
    at = next((k for k, w in enumerate(words) if w is not None and w.strip() == example), None) if example else None
    if at is None:
        at = next((k for k, t in enumerate(texts) if t is not None and t != read[k]), None)
    if at is None:
        at = next((k for k, t in enumerate(texts) if t is None and words[k] is not None), 0)
    word = str(words[at]).strip()
    return found, f"{word} is missing" if np.isnan(found[at]) else f"{word} is {found[at]:.10g}"


def _bare(word: str | None) -> bool:
    return word is not None and re.fullmatch(rf"\s*{_NUMBER}\s*", word) is not None


def _decimal(texts: list[str], comma: bool) -> str | None:
    """The mark of decimals: the point, or the comma where groups of thousands or the table say so; None for a mixture."""
    points, commas = any("." in t for t in texts), any("," in t for t in texts)
    if commas and all("," not in t or _GROUPED[","].fullmatch(t) for t in texts) and not comma:
        return "."
    if points and all("." not in t or _GROUPED["."].fullmatch(t) for t in texts) and (comma or commas):
        return ","
    if commas and not points:
        return ","
    return "." if not commas else None


def _plain(text: str, mark: str) -> str:
    """A number as Python reads it, without groups; spaces are groups of three digits."""
    if re.search(r"[ \u00a0\u202f']", text):
        if not _GROUPED[" "].fullmatch(text):
            return "none"
        text = re.sub(r"[ \u00a0\u202f']", "", text)
    return text.replace(",", "") if mark == "." else text.replace(".", "").replace(",", ".")
