"""The settings of a Veeam source, which build it."""

import re
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from exporter.client.tokens import Secret
from exporter.duration import Interval
from exporter.source import CollectorPlan, Source, Surroundings
from exporter.source_settings import CollectorSettings, Lookback, Options, SecretText, SourceSettings, Url
from exporter.sources.veeam.auth import Connection
from exporter.sources.veeam.source import Choices, VeeamSource

DAY: Final = 86400.0
_GENERATION: Final = re.compile(r"v[0-9]", re.IGNORECASE)


def _without_generation(url: str) -> str:
    last = urlsplit(url).path.rpartition("/")[2]
    if _GENERATION.fullmatch(last):
        raise ValueError(f"should end before /{last.lower()}; the generation is set by api")
    return url


def _printable(name: str) -> str:
    """Return the name unless YAML made a line feed, a tab or the like of the backslash in it."""
    if not name.isprintable():
        raise ValueError("holds a control character; in double quotes a backslash makes one, in single quotes not")
    return name


class PasswordSettings(Options):
    """An account of the server's administrators."""

    username: Annotated[str, AfterValidator(_printable)] = Field(min_length=1)
    r"""Its name, as ``DOMAIN\name`` or ``name@domain``; in the file within single quotes, or none."""
    password: SecretText | None = Field(default=None, min_length=1)
    """Its password, best given by the environment."""
    password_file: Path | None = None
    """A file with the password, read again whenever a token is fetched."""

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if self.password is None and self.password_file is None:
            raise ValueError("give password_file or password")
        if self.password is not None and self.password_file is not None:
            raise ValueError("password and password_file are given; keep one and remove the other")
        return self

    def files(self) -> dict[str, Path]:
        """Return the files that must be readable when a token is fetched, by key."""
        return {} if self.password_file is None else {"password_file": self.password_file}

    def secret(self) -> Secret:
        """Return the password, wherever it is kept."""
        return Secret.of(self.password, self.password_file)


class OrganizationsCollector(CollectorSettings):
    """The organizations, their last backup and when the server last read them."""

    interval: Interval = 900.0
    """How often it asks, 1s or more."""


class JobsCollector(CollectorSettings):
    """Backup jobs, backup copy jobs and their sessions."""

    interval: Interval = 300.0
    """How often it asks, 1s or more."""
    lookback: Lookback = DAY
    """How far back the first question about sessions goes, 30d at most; later ones go back to the last answer."""
    job_items: bool = False
    """Whether the items of each backup job are counted: two requests a job and day, 20 jobs a poll at most."""


class InfrastructureCollector(CollectorSettings):
    """The server's version and health, its repositories and proxies."""

    interval: Interval = 300.0
    """How often it asks, 1s or more."""
    exclude_repositories: tuple[str, ...] = ()
    """Globs over id or name of repositories not to show, such as ``Default Backup Repository``."""


class LicenseCollector(CollectorSettings):
    """The server's licence, and what each organization uses of it."""

    interval: Interval = 3600.0
    """How often it asks, 1s or more."""


class ProtectionCollector(CollectorSettings):
    """How many users, groups, sites and teams are protected, and the space that each organization occupies."""

    interval: Interval = 6 * 3600.0
    """How often it asks, 1s or more."""


class VeeamCollectors(Options):
    """The collectors, in order of importance."""

    organizations: OrganizationsCollector = OrganizationsCollector()
    jobs: JobsCollector = JobsCollector()
    infrastructure: InfrastructureCollector = InfrastructureCollector()
    license: LicenseCollector = LicenseCollector()
    protection: ProtectionCollector = ProtectionCollector()

    @field_validator("organizations")
    @classmethod
    def _needed(cls, organizations: OrganizationsCollector) -> OrganizationsCollector:
        if not organizations.enabled:
            raise ValueError("cannot be disabled: without it no customer is known")
        return organizations


class VeeamSettings(SourceSettings):
    """Veeam Backup for Microsoft 365: one server, many organizations."""

    kind: Literal["veeam"]
    """The vendor's API family."""
    api: Literal["auto", "v8", "v7", "v6"] = "auto"
    """Which generation of the API is asked; auto: the newest that the server has."""
    base_url: Annotated[Url, AfterValidator(_without_generation)]
    """The address of the server's REST API, without the generation; its port is 4443 unless changed."""
    auth: PasswordSettings
    collectors: VeeamCollectors = VeeamCollectors()

    @model_validator(mode="after")
    def _encrypted(self) -> Self:
        self.check_encrypted(base_url=self.base_url)
        return self

    def plans(self) -> tuple[CollectorPlan, ...]:
        """Return the enabled collectors, the most important first."""
        return tuple(
            CollectorPlan(
                name=name,
                interval_seconds=options.interval,
                stale_after_seconds=options.stale_after,
                per_tenant=name == "protection",
                discovers=name == "organizations",
                book="jobs" if name == "jobs" else None,
            )
            for name, options in self.collectors
            if options.enabled
        )

    def permissions(self) -> dict[str, tuple[str, ...]]:
        """Return nothing: an account is an administrator's, or it is not."""
        return {}

    def build(self, name: str, surroundings: Surroundings) -> Source:  # noqa: ARG002 - as the other vendors
        """Connect the parts; ask nothing yet."""
        connection = Connection(
            self,
            surroundings,
            base_url=self.base_url,
            generation=None if self.api == "auto" else self.api,
            username=self.auth.username,
            password=self.auth.secret(),
        )
        choices = Choices(
            tenants=self.tenants,
            lookback=self.collectors.jobs.lookback,
            job_items=self.collectors.jobs.job_items,
            exclude_repositories=self.collectors.infrastructure.exclude_repositories,
        )
        return VeeamSource(self.api, connection, choices, self.plans(), surroundings.observer, surroundings.clock)
