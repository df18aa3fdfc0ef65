"""The configuration: one YAML file, its included files and the environment → frozen `Settings`."""

import os
import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import platformdirs
from pydantic import AfterValidator, Field, ValidationError, WrapValidator, model_validator
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import ValidatorFunctionWrapHandler, WithDefaultSchema
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from exporter.duration import FORM, Duration, prometheus_duration
from exporter.errors import SettingsError
from exporter.faults import Place, did_you_mean, faults_of
from exporter.settings.environment import EnvironmentSource, overlay, strangers, variables
from exporter.settings.files import Sources, read
from exporter.shard import Shard, ordinal
from exporter.source_settings import Options
from exporter.sources import AnySource

_HOST: Final = re.compile(r"\[[0-9A-Fa-f:.]+(%[\w.-]+)?\]|[\w.-]+")
SOURCE_NAME: Final = r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
"""The environment knows no case, and two underscores are its levels: hence neither may be in a name."""


def host_and_port(value: str) -> str:
    """Return *value* if it is an address to listen on; ValueError tells the form."""
    host, _, port = value.rpartition(":")
    if not _HOST.fullmatch(host) or not port.isdecimal() or int(port[:6]) > 65535:  # noqa: PLR2004 - the highest port
        raise ValueError('should be host:port, such as "0.0.0.0:10365" or "[::1]:10365", with a port up to 65535')
    return value


def split_address(value: str) -> tuple[str, int]:
    """Return host and port, brackets of an IPv6 address taken off."""
    host, _, port = value.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port)


class WebSettings(Options):
    """Where the exporter is scraped."""

    listen: tuple[Annotated[str, AfterValidator(host_and_port)], ...] = Field(default=("0.0.0.0:10365",), min_length=1)
    """Addresses to listen on, each as host:port; ``[::]:10365`` is every IPv6 address."""
    config_file: Path | None = None
    """TLS, passwords and headers: a file in the format of Prometheus' exporter-toolkit; see docs/web-config.md."""
    enable_lifecycle: bool = False
    """Whether ``POST /-/reload`` reads the configuration again, as SIGHUP does."""

    def addresses(self) -> list[tuple[str, int]]:
        """Return hosts and ports."""
        return [split_address(address) for address in self.listen]


class LogSettings(Options):
    """What is logged to standard error, and how it looks."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important events that are written."""
    format: Literal["auto", "console", "json", "logfmt"] = "auto"
    """``auto`` is ``console`` on a terminal, else ``json``."""


class StateSettings(Options):
    """Where counters and last answers outlive the process."""

    path: str | None = None
    """A database file, on a local disk. null: ``state.db`` in systemd's STATE_DIRECTORY, else in the user's folder for
    states. Empty: memory only, so that a restart begins counting at 0."""

    def file(self) -> Path | None:
        """Return the file; ``None`` if all is kept in memory."""
        if self.path is not None:
            return Path(self.path).absolute() if self.path else None
        folder = os.environ.get("STATE_DIRECTORY", "").split(":")[0]  # systemd may give several
        return (Path(folder) if folder else platformdirs.user_state_path("m365-backup-exporter")) / "state.db"


def _number_or_hostname(value: Any, read_number: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read_number(value)
    except ValidationError:
        fault = ValueError("should be a whole number, or hostname")
    raise fault


class ShardSettings(Options):
    """Which part of the tenants this process watches."""

    index: Annotated[int | Literal["hostname"], WrapValidator(_number_or_hostname)] = 0
    """Which shard this is, from 0 to total - 1; ``hostname``: the number at the end of a StatefulSet pod's name."""
    total: int = Field(default=1, ge=1, le=10_000)
    """How many processes divide the tenants and the request budget; the same in all of them."""

    @model_validator(mode="after")
    def _inside(self) -> Self:
        if not 0 <= self.shard().index < self.total:
            if self.index == "hostname":
                raise ValueError("the number in the host name should be below total; set total to the replicas")
            raise ValueError("index should be from 0 to total - 1")
        return self

    def shard(self) -> Shard:
        """Return the shard; ValueError if the host name should tell and does not."""
        return Shard(ordinal() if self.index == "hostname" else self.index, self.total)


class ExpositionLimits(Options):
    """Bounds on what is served."""

    series_per_tenant: int = Field(default=5000, ge=1)
    """A tenant's series beyond this number are dropped, counted, and logged once."""
    counter_birth_delay: Duration = 120.0
    """How long a new counter series shows 0 before its first increment; twice the scrape interval or more."""


class Settings(BaseSettings):
    """Everything the operator decides; immutable, and never printed with a value.

    What is given, by a file or in code, is overridden by the environment.
    """

    model_config = SettingsConfigDict(
        title="m365-backup-exporter configuration",
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        validate_default=False,
        use_attribute_docstrings=True,
    )

    web: WebSettings = WebSettings()
    log: LogSettings = LogSettings()
    state: StateSettings = StateSettings()
    shard: ShardSettings = ShardSettings()
    limits: ExpositionLimits = ExpositionLimits()
    include: tuple[str, ...] = ()
    """Globs of files with further sources, relative to this file; in them the sources stand at the top level."""
    sources: dict[Annotated[str, Field(pattern=SOURCE_NAME)], AnySource] = Field(min_length=1)
    """What is watched, by a name of your choice, which becomes the label ``source``."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - ours knows lists and whom to blame
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - there is none
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - `*_file` options are re-read later
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment come before what is given."""
        return EnvironmentSource(settings_cls, init_settings()), init_settings


def load(path: Path) -> Settings:
    """Read the file at *path*, what it includes, and the environment; `SettingsError` tells all faults at once."""
    raw, origins, faults = _given(path)
    try:
        settings = Settings(**raw)
    except ValidationError as error:
        faults += faults_of(error, Settings, path=str(path), origins=origins)
    else:
        if not faults:
            return settings
    raise SettingsError(faults)


def _given(path: Path) -> tuple[dict[str, Any], dict[Place, str], list[str]]:
    """Return what the files say, where that came from which is not in the file at *path*, and faults so far."""
    raw = read(path)
    own = [key for key in raw if key.startswith("_")]  # pydantic-settings would take them for its own options
    unknown = [f"{path}: {key}: is not a known key{did_you_mean(key, Settings.model_fields)}" for key in own]
    raw = {key: value for key, value in raw.items() if key not in own}
    sources = _sources(path, raw)
    if sources and sources.mapping:
        raw = {**raw, "sources": sources.mapping}
    found, faults = variables(os.environ, Settings, raw)
    faults += unknown
    origins: dict[Place, str] = {}
    if sources:
        faults += [*sources.faults, *strangers(found, sources.mapping).values()]
        origins = sources.origins
    return raw, origins | {variable.place: variable.origin for variable in found}, faults


def _sources(path: Path, raw: dict[str, Any]) -> Sources | None:
    """Return the sources of the file and of those that it or the environment includes; None if they are no mapping."""
    found, _ = variables(os.environ, Settings, raw)
    whole = overlay(raw, [variable for variable in found if len(variable.place) == 1])
    if not isinstance(whole.get("sources") or {}, dict):
        return None
    sources = Sources(path, dict(whole.get("sources") or {}))
    sources.include(whole.get("include"))
    return sources


def unreadable_files(settings: Settings) -> list[str]:
    """Return a fault for each secret or certificate file that cannot be read from here."""
    faults = []
    for name, source in settings.sources.items():
        files = {f"auth.{key}": path for key, path in source.auth.files().items()}
        faults += [
            f"sources.{name}.{key}: the file cannot be read; check the path and its permissions"
            for key, path in files.items()
            if not path.is_file() or not os.access(path, os.R_OK)
        ]
        try:
            source.tls.verification()
        except OSError:  # ssl.SSLError is one
            faults.append(f"sources.{name}.tls.ca_file: the file cannot be read or holds no certificates in PEM form")
    return faults


class _Schema(GenerateJsonSchema):
    """Writes the defaults of durations as the file has them."""

    def default_schema(self, schema: WithDefaultSchema) -> JsonSchemaValue:
        described = super().default_schema(schema)
        if isinstance(described.get("default"), float) and described.get("pattern") == FORM:
            return {**described, "default": prometheus_duration(described["default"])}
        return described


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the file."""
    return {"$schema": _Schema.schema_dialect, **Settings.model_json_schema(schema_generator=_Schema)}
