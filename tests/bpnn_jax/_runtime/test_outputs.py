"""What is read is never written over, however its path is spelt; what somebody else wrote only when asked to."""

import os

import pytest

from bpnn_jax._runtime.outputs import MARK, Output, Read, check, is_result
from bpnn_jax.errors import InputError


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d.txt").write_text("0 > 1\n")
    chunks = tmp_path / "s" / "chunks"
    chunks.mkdir(parents=True)
    for file in (chunks / "a.parquet", tmp_path / "s" / "study.json", tmp_path / "s" / "report.html"):
        file.write_text("x")
    return tmp_path


def json_at(path):
    return Output(path, "--json", is_result)


DATA = Read("d.txt", "the patterns")
STUDY = Read("s", "the study", but=("report.html",))


def spelt(here):
    """The patterns' file by every other name that it has."""
    (here / "link").symlink_to("d.txt")
    (here / "chain").symlink_to("link")
    (here / "folder").symlink_to(".")
    os.link("d.txt", "hard")
    (here / "sub").mkdir()
    paths = ["d.txt", "./d.txt", "sub/../d.txt", str(here / "d.txt"), "link", "chain", "folder/d.txt", "folder/link"]
    return [*paths, "hard", "/proc/self/cwd/d.txt"]


def test_the_data_by_any_name_is_refused(here):
    for path in spelt(here):
        for read in (DATA, Read("link", "the patterns"), Read("hard", "the patterns")):
            with pytest.raises(
                InputError, match=r"another file than what is read, got .*, which is the patterns: it stays"
            ):
                check([json_at(path)], [read], overwrite=True)
    assert (here / "d.txt").read_text() == "0 > 1\n"


def test_what_an_option_may_write_anew_no_other_may(here):
    model = Read("d.txt", "the model", anew="--save")
    check([Output("d.txt", "--save", lambda head, tail: True)], [model])
    with pytest.raises(InputError, match="which is the model: it stays"):
        check([json_at("d.txt")], [model], overwrite=True)


@pytest.mark.parametrize(
    "path",
    ["s/study.json", "s/chunks/a.parquet", "s/chunks/new.json", "s/./chunks/../study.json", "in/study.json", "hard"],
)
def test_a_study_and_all_below_it_is_refused(here, path):
    (here / "in").symlink_to("s")
    os.link("s/chunks/a.parquet", "hard")
    with pytest.raises(InputError, match="which is in the study, s: it stays"):
        check([json_at(path)], [STUDY], overwrite=True)


def test_its_own_report_and_new_files_beside_it_are_not(here):
    check([Output("s/report.html", "--html", lambda head, tail: True)], [STUDY])
    check([json_at("s/new.json"), json_at("other.json")], [STUDY])
    check([json_at("s2.json")], [Read("s2", "the study")])
    with pytest.raises(InputError, match="in the study"):
        check([Output("s/chunks/report.html", "--html", lambda head, tail: True)], [STUDY])


def test_of_a_folder_of_sources_only_the_sources_are_read(here):
    sources = Read(".", "the sources", only=lambda file: file.suffix == ".py")
    (here / "s" / "a.py").write_text("x")
    check([json_at("out.json"), json_at("s/new.py")], [sources])
    check([json_at("d.txt")], [sources], overwrite=True)
    os.link("s/a.py", "hard.json")
    for path in ("s/a.py", "hard.json"):
        with pytest.raises(InputError, match=r"which is (in )?the sources"):
            check([json_at(path)], [sources], overwrite=True)


def test_a_file_of_somebody_else_needs_overwrite(here):
    (here / "package.json").write_text("{}")
    with pytest.raises(
        InputError, match=r"expected --json to name a new file.*got package.json.*--overwrite replaces it"
    ):
        check([json_at("package.json")])
    check([json_at("package.json")], overwrite=True)
    (here / "result.json").write_bytes(MARK + b'"train"\n}')
    (here / "empty.json").touch()
    (here / "to").symlink_to("nowhere.json")
    check([json_at("result.json"), json_at("empty.json"), json_at("to"), json_at("new.json")])


def test_two_outputs_are_two_files(here):
    (here / "to").symlink_to("new.json")
    with pytest.raises(InputError, match="expected different files for --json and --pdf, got to for both"):
        check([json_at("new.json"), Output("to", "--pdf", is_result)])
    check([json_at("/dev/null"), Output("/dev/null", "--pdf", is_result)])


def test_what_cannot_be_written_is_refused_first(here):
    for path in ("no/such/folder.json", "s", "d.txt/x"):
        with pytest.raises(InputError, match="expected a path that can be written"):
            check([json_at(path)], overwrite=True)
