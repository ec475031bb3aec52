"""Commands in the README and the pages are ones that exist."""

import re
import shlex

import pytest

from bids_brainage.cli import app_parser, tool_command
from tests.docs.pages import PAGES, ROOT, blocks_of_code, spans_of_code

OURS = {"bids_brainage": app_parser.build_parser, "brainage": tool_command.build_parser}
IMAGE = re.compile(r"(.*/)?bids_brainage(:[\w.-]+|[\w.-]*\.sif)|.*\.sif")
STOPS = {"|", "||", "&&", ";", "&", ">", ">>", "<", "2>", "2>&1"}
# What a reader puts a value in place of.
PLACEHOLDERS = {"I/N": "1/2", "N": "2", "MM": "1"}
FOLDERS = r"(?:containers|integrations|benchmarks|tests|docs|\.ci|bids_brainage)"


def lines(path):
    for block in blocks_of_code(path):
        joined = re.sub(r"\s*\\\n\s*", " ", block)
        yield from (line.strip().removeprefix("$ ") for line in joined.splitlines())


def spans(path):
    """Code in sentences that begins as a command does."""
    found = (s for s in spans_of_code(path) if re.match(r"(bids_)?brainage [a-z-]", s))
    return [s for s in found if "…" not in s and "..." not in s]


def command(line):
    """Program and arguments of one of our commands in a line; None if there is none."""
    line = re.sub(r"\$\{?\w+(:[^}]*)?\}?", "1", re.sub(r"\$\(.*?\)", "1", line))
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        return None
    for place, word in enumerate(words):
        started = words[:place]
        if word in OURS and not {"pip", "conda", "cd", "name:"} & set(started):
            program = word
        elif {"run", "exec"} & set(started) and IMAGE.fullmatch(word):
            program = "bids_brainage"
            if "--entrypoint" in started:
                program = started[started.index("--entrypoint") + 1].rpartition("/")[2]
            elif "exec" in started:
                continue
        else:
            continue
        rest = words[place + 1 :]
        end = next((i for i, w in enumerate(rest) if w in STOPS), len(rest))
        return program, [PLACEHOLDERS.get(w, w) for w in rest[:end]]
    return None


def complaint(program, arguments, capsys):
    """What the parser says against a command; empty where it takes it."""
    try:
        OURS[program]().parse_args(arguments)
    except SystemExit as end:
        told = capsys.readouterr().err.strip()
        return told.splitlines()[-1] if end.code else ""  # 0: --help and --version
    return ""


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.name)
def test_commands_in_blocks_of_code_parse(path, capsys):
    for program, arguments in filter(None, map(command, lines(path))):
        if program in OURS:
            assert complaint(program, arguments, capsys) == "", shlex.join([program, *arguments])


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.name)
def test_commands_in_sentences_parse_but_for_files_left_out(path, capsys):
    for program, arguments in filter(None, map(command, spans(path))):
        told = complaint(program, arguments, capsys)
        assert told == "" or "arguments are required" in told, shlex.join([program, *arguments])


def test_commands_are_found_in_every_form(capsys):
    assert command("bids_brainage /d /o group  # words") == ("bids_brainage", ["/d", "/o", "group"])
    docker = 'docker run --user "$(id -u)" -v /d:/d:ro bids/bids_brainage:0.1.0 /d /o group | cat'
    assert command(docker) == ("bids_brainage", ["/d", "/o", "group"])
    assert command("apptainer exec x.sif brainage models list") == ("brainage", ["models", "list"])
    assert command("singularity build bids_brainage.sif singularity") is None
    assert command("bids_brainage /d /o participant --batch $I/$N")[1][-1] == "1/1"
    assert "participants" in complaint("bids_brainage", ["/d", "/o", "participants"], capsys)


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.name)
def test_make_targets_modules_and_files_exist(path):
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    code = "\n".join((*lines(path), *spans_of_code(path)))
    for target in re.findall(r"^make ([a-z]+)", code, re.MULTILINE):
        assert target in targets, f"make {target}"
    for module in re.findall(r"python3? -m ((?:benchmarks|bids_brainage)[\w.]*)", code):
        place = ROOT / module.replace(".", "/")
        assert place.with_suffix(".py").is_file() or (place / "__main__.py").is_file(), module
    for name in re.findall(rf"(?<![\w./:-])({FOLDERS}/[\w./-]*\w)(?![\w*{{<…])", code):
        assert (ROOT / name).exists(), name
