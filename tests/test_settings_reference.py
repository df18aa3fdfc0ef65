import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from exporter.cli import main
from exporter.faults import kinds_of
from exporter.settings import load
from tools.configuration import SOURCES, Option, markdown, options

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "config.example.yaml"


def kind(option: Option) -> str:
    """Return the kind of source that has an option; nothing outside of sources."""
    return "".join(kinds_of([option.source]))


OPTIONS = {option.path.replace("<name>", f"<{kind(option)}>"): option for option in options()}
"""All of them, those of sources by kind: ``sources.<elements>.api``."""
KINDS = [kind for model in SOURCES for kind in kinds_of([model])]


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no variable of this machine matter."""
    for name in [name for name in os.environ if name.upper().startswith("M365_BACKUP_")]:
        monkeypatch.delenv(name)


def test_example_loads() -> None:
    """The example can be used as it is."""
    settings = load(EXAMPLE)

    assert [(name, source.api) for name, source in settings.sources.items()] == [
        ("elements_emea", "v3"),
        ("elements_apac", "v1"),
        ("contoso", "v2"),
        ("vb365_dc1", "auto"),
    ]


def test_example_of_one_file_a_tenant(tmp_path: Path) -> None:
    """The included file that the example shows in a comment can be used as it is."""
    shown = re.search(r"sources\.d/fabrikam\.yaml:\n#\n((?:#   .+\n)+)#\n", EXAMPLE.read_text(encoding="utf-8"))
    assert shown is not None
    (tmp_path / "sources.d").mkdir()
    included = "".join(line.removeprefix("# ") for line in shown[1].splitlines(keepends=True))
    (tmp_path / "sources.d" / "fabrikam.yaml").write_text(included, encoding="utf-8")
    (tmp_path / "config.yaml").write_text('include: ["sources.d/*.yaml"]', encoding="utf-8")

    sources = load(tmp_path / "config.yaml").sources

    assert [(name, source.kind) for name, source in sources.items()] == [("fabrikam", "cloudbackup")]


def test_example_lacks_only_its_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    """The only faults of the example are the secrets' files, which do not exist."""
    with pytest.raises(SystemExit) as exit_:
        main(["check-config", "--config", str(EXAMPLE)])

    assert exit_.value.code == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 5
    assert all(re.search(r"auth\.\w+_file: the file cannot be read;", line) for line in told)


def test_example_holds_every_option() -> None:
    """Every option of the models stands in the example, for each kind of source, and nothing else does."""
    shown = {path for path, _, _ in example()}
    groups = {re.split(r"(?:\[\])?\.[^.]+$", path)[0] for path in OPTIONS}

    assert set(OPTIONS) <= shown
    assert {path for path in shown if path not in OPTIONS and not is_label(path)} <= groups | GROUPS_OF_GROUPS


def test_example_tells_the_defaults() -> None:
    """The defaults that the example states are those of the models; where there is one it is stated."""
    stated = {path: text for path, _, comment in example() for text in re.findall(r"Default: (.+)$", comment)}

    assert stated == {path: notation(option) for path, option in OPTIONS.items() if option.default is not None}


def test_page_is_current() -> None:
    """docs/configuration.md is what the tool prints; `make docs` writes it."""
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")

    assert page == markdown()


def test_page_tells_every_option() -> None:
    """The page has a row for every option, with a meaning of its own; what all kinds of sources share has one row."""
    rows = list(page())
    shared = {path for path in rows if path.startswith("sources.<name>.")}
    of_kinds = [path.replace("<name>", f"<{kind}>") for kind in KINDS for path in shared]

    assert sorted([*(set(rows) - shared), *of_kinds]) == sorted(path.replace("[]", "") for path in OPTIONS)
    assert len(rows) == len(set(rows))


def test_page_tells_apart_what_differs() -> None:
    """What all kinds of sources share stands on the page once; what is one kind's own stands below that kind."""
    rows = set(page())

    assert {"sources.<name>.limits.timeout", "sources.<name>.personal_data"} <= rows
    assert {"sources.<elements>.base_url", "sources.<cloudbackup>.base_url", "sources.<cloudbackup>.tenant.id"} <= rows
    assert {f"sources.<{kind}>.collectors.jobs.enabled" for kind in KINDS} <= rows


def test_page_tells_how_each_kind_authenticates() -> None:
    """The ways to authenticate stand below each kind, and only below those that know them."""
    ways = {kind: {path.rpartition(".")[2] for path in page() if path.startswith(f"sources.<{kind}>.auth.")}
            for kind in KINDS}  # fmt: skip

    assert ways["veeam"] == {"username", "password", "password_file"}
    assert ways["elements"] == ways["cloudbackup"] > {"client_id", "client_secret", "certificate_file", "token_url"}


def test_variables_of_the_page_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables that the page gives as examples are accepted."""
    for name in set(re.findall(r"`(M365_BACKUP_[A-Z_0-9]+[A-Z])`", markdown())):
        monkeypatch.setenv(name, "info" if name.endswith("LEVEL") else '["0.0.0.0:1"]')
    for secret in ("ELEMENTS_EMEA__AUTH__CLIENT_SECRET", "VB365_DC1__AUTH__PASSWORD"):  # the example has its file
        monkeypatch.setenv(f"M365_BACKUP_SOURCES__{secret}_FILE", "elsewhere")
        monkeypatch.delenv(f"M365_BACKUP_SOURCES__{secret}")

    settings = load(EXAMPLE)

    assert settings.web.listen == ("0.0.0.0:1",)


GROUPS_OF_GROUPS = {f"sources.<{kind}>{below}" for kind in KINDS for below in ("", ".collectors")}


def page() -> Iterator[str]:
    """Yield the options that have a row, those that only some kind of source has with its name."""
    kind, above = "name", ""
    for line in markdown().splitlines():
        if chapter := re.match(r"## Options of (every source|`kind: (\w+)`)$", line):
            kind = chapter[2] or "name"
        if group := re.match(r"### (?:`(.+)`|The top level)$", line):
            above = f"{group[1]}." if group[1] else ""
        if row := re.match(r"\| `(\w+)` \| .+ \| .+ \| .{8,} \|$", line):
            yield f"{above}{row[1]}".replace("<name>", f"<{kind}>")


def is_label(path: str) -> bool:
    """Tell whether this is one of the operator's own labels rather than an option."""
    return ".tenants.overrides[].labels." in path


def notation(option: Option) -> str | None:
    """Return an option's default as the example writes it: words without quotes."""
    default = option.default or ""
    return default.strip('"') if re.fullmatch(r'"[\w:/.-]+"', default) else default


def example() -> Iterator[tuple[str, yaml.Node, str]]:
    """Yield the path, the value and the comments (above, and on the line) of everything in the example."""
    text = EXAMPLE.read_text(encoding="utf-8")
    lines = text.splitlines()
    root = yaml.compose(text)
    assert isinstance(root, yaml.MappingNode)
    yield from below(root, "", lines)


def below(node: yaml.Node, above: str, lines: list[str]) -> Iterator[tuple[str, yaml.Node, str]]:
    """Yield what stands below *node*."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from below(item, f"{above}[]", lines)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = f"<{kind_in(value)}>" if above == "sources" else key.value
            path = f"{above}.{name}".lstrip(".")
            yield path, value, lines[key.start_mark.line].partition("  # ")[2]
            yield from below(value, path, lines)


def kind_in(source: yaml.MappingNode) -> str:
    """Return the kind of a source of the example."""
    return str(next(value.value for key, value in source.value if key.value == "kind"))
