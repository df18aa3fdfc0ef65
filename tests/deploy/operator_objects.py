"""What the Prometheus Operator takes: the part of its v1 objects that we use. A key that is not here is a mistake."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Duration = Annotated[str, StringConstraints(pattern=r"^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$", min_length=2)]
LabelName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")]
API = Literal["monitoring.coreos.com/v1"]


class Strict(BaseModel):
    """Takes nothing that it does not know, and converts nothing."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Metadata(Strict):
    """Which object it is."""

    name: str
    namespace: str
    labels: dict[str, str]


class Rule(Strict):
    """One rule; Prometheus' own check tells the rest."""

    record: str | None = None
    alert: str | None = None
    expr: str
    lasting: Duration | None = Field(default=None, alias="for")
    keep_firing_for: Duration | None = None
    labels: dict[LabelName, str] = {}
    annotations: dict[LabelName, str] = {}


class Group(Strict):
    """Rules that are evaluated together."""

    name: str = Field(min_length=1)
    interval: Duration | None = None
    rules: list[Rule]


class Groups(Strict):
    """What a PrometheusRule consists of."""

    groups: list[Group]


class PrometheusRule(Strict):
    """Rules for Prometheus."""

    api_version: API = Field(alias="apiVersion")
    kind: Literal["PrometheusRule"]
    metadata: Metadata
    spec: Groups


class Relabeling(Strict):
    """Where a label of a target comes from."""

    source_labels: list[LabelName] = Field(alias="sourceLabels")
    target_label: LabelName = Field(alias="targetLabel")


class Endpoint(Strict):
    """How a port is scraped."""

    port: str
    interval: Duration
    timeout: Duration = Field(alias="scrapeTimeout")
    relabelings: list[Relabeling]


class Selector(Strict):
    """Which Services are meant."""

    match_labels: dict[str, str] = Field(alias="matchLabels")


class Monitored(Strict):
    """What a ServiceMonitor consists of."""

    selector: Selector
    endpoints: list[Endpoint]


class ServiceMonitor(Strict):
    """Services whose pods are scraped."""

    api_version: API = Field(alias="apiVersion")
    kind: Literal["ServiceMonitor"]
    metadata: Metadata
    spec: Monitored
