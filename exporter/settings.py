"""The configuration: one YAML file, its included files and the environment → frozen `Settings`."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from exporter.duration import Duration
from exporter.errors import SettingsError
from exporter.faults import faults_of, unknown_variables
from exporter.shard import Shard, ordinal
from exporter.source_settings import Options
from exporter.sources import AnySource

PREFIX: Final = "M365_BACKUP_"
DELIMITER: Final = "__"
SOURCE_NAME: Final = r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
"""The environment knows no case, and two underscores are its levels: hence neither may be in a name."""


def _address(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:  # noqa: PLR2004 - the highest TCP port
        raise ValueError('should be host:port, such as "0.0.0.0:10365" or "[::1]:10365"')
    return value


class WebSettings(Options):
    """Where the exporter is scraped."""

    listen: tuple[Annotated[str, AfterValidator(_address)], ...] = Field(default=("0.0.0.0:10365",), min_length=1)
    config_file: Path | None = None
    enable_lifecycle: bool = False

    @model_validator(mode="after")
    def _there_yet(self) -> Self:
        if self.config_file is not None:
            raise ValueError("config_file (TLS and basic auth) is not available in this version; use a reverse proxy")
        if self.enable_lifecycle:
            raise ValueError("enable_lifecycle is not available in this version; restart to read a changed file")
        return self

    def addresses(self) -> list[tuple[str, int]]:
        """Return hosts and ports, brackets of IPv6 addresses taken off."""
        parts = (address.rpartition(":") for address in self.listen)
        return [(host.strip("[]"), int(port)) for host, _, port in parts]


class LogSettings(Options):
    """What is logged, and how it looks."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json", "logfmt"] = "auto"


class StateSettings(Options):
    """Where counters and answers outlive the process."""

    path: str = ""

    @field_validator("path")
    @classmethod
    def _in_memory(cls, path: str) -> str:
        if path:
            raise ValueError('a state file is not available in this version; use "" (kept in memory)')
        return path


class ShardSettings(Options):
    """Which part of the tenants this process watches."""

    index: int | Literal["hostname"] = 0
    total: int = Field(default=1, ge=1, le=10_000)

    @model_validator(mode="after")
    def _inside(self) -> Self:
        if not 0 <= self.shard().index < self.total:
            raise ValueError("index should be from 0 to total - 1")
        return self

    def shard(self) -> Shard:
        """Return the shard; ValueError if the host name should tell and does not."""
        return Shard(ordinal() if self.index == "hostname" else self.index, self.total)


class ExpositionLimits(Options):
    """Bounds on what is served."""

    series_per_tenant: int = Field(default=5000, ge=1)
    counter_birth_delay: Duration = 120.0


class Settings(BaseSettings):
    """Everything the operator decides; immutable, and never printed with a value."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter=DELIMITER,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        title="m365-backup-exporter configuration",
    )

    web: WebSettings = WebSettings()
    log: LogSettings = LogSettings()
    state: StateSettings = StateSettings()
    shard: ShardSettings = ShardSettings()
    limits: ExpositionLimits = ExpositionLimits()
    include: tuple[str, ...] = ()
    sources: dict[Annotated[str, Field(pattern=SOURCE_NAME)], AnySource] = Field(min_length=1)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic-settings'
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment override the file."""
        return env_settings, init_settings


def load(path: Path) -> Settings:
    """Read the file at *path*, what it includes, and the environment; `SettingsError` tells all faults at once."""
    raw, origins = _read_all(path)
    faults = unknown_variables(os.environ, PREFIX, DELIMITER, Settings)
    try:
        settings = Settings(**raw)
    except ValidationError as error:
        faults += faults_of(error, Settings, path=str(path), origins=origins)
    else:
        if not faults:
            return settings
    raise SettingsError(faults)


def unreadable_files(settings: Settings) -> list[str]:
    """Return a fault for each secret or certificate file that cannot be read from here."""
    faults = []
    for name, source in settings.sources.items():
        files = {f"auth.{key}": path for key, path in source.auth.files().items()}
        if source.tls.ca_file:
            files["tls.ca_file"] = source.tls.ca_file
        faults += [
            f"sources.{name}.{key}: {path} cannot be read; check the path and its permissions"
            for key, path in files.items()
            if not os.access(path, os.R_OK)
        ]
    return faults


def _read_all(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the file's mapping with the included sources, and from which file each of those came."""
    raw = _read(path)
    globs = raw.get("include") or []
    origins: dict[str, str] = {}
    faults: list[str] = []
    sources = dict(raw["sources"]) if isinstance(raw.get("sources"), Mapping) else {}
    if isinstance(globs, list) and all(isinstance(glob, str) for glob in globs):
        for file in [file for glob in globs for file in _matches(path.parent, glob)]:
            try:
                included = _read(file)
            except SettingsError as error:
                faults += error.faults
                continue
            for name, source in included.items():
                if name in sources:
                    faults.append(f"{file}: {name}: a source of this name is already in {origins.get(name, path)}")
                else:
                    sources[name], origins[name] = source, str(file)
    if faults:
        raise SettingsError(faults)
    return ({**raw, "sources": sources} if origins else raw), origins


def _matches(folder: Path, glob: str) -> list[Path]:
    if Path(glob).is_absolute():
        anchor = Path(Path(glob).anchor)
        return sorted(anchor.glob(str(Path(glob).relative_to(anchor))))
    return sorted(folder.glob(glob))


def _read(path: Path) -> dict[str, Any]:
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise SettingsError([f"{path}: is not UTF-8 text"]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise SettingsError([f"{path}: is not YAML: {_without_values(error.problem)}{place}"]) from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise SettingsError([f"{path}: is not YAML"]) from None
    if not isinstance(raw, dict) or not all(isinstance(key, str) for key in raw):
        raise SettingsError([f"{path}: should be a mapping of keys to values; see config.example.yaml"])
    return raw


def _without_values(problem: str | None) -> str:
    """Return the parser's complaint without the text it quotes."""
    return re.sub(r"(['\"]).*\1", "…", problem or "it cannot be parsed")
