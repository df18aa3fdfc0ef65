"""Answers about the server itself: version, health, settings (reference 8.1, 8.2 and 8.14)."""

from http import HTTPStatus
from math import floor
from typing import Final

from exporter.simulator.era import HOUR
from exporter.simulator.veeam.answers import Answer, Answered, Answerer
from exporter.simulator.veeam.installation import Installation
from exporter.simulator.veeam.manners import VeeamManners
from exporter.simulator.veeam.questions import Question
from exporter.simulator.veeam.storage_rows import VERSION

WEEKS_KEPT: Final = 53


class ServerDesk:
    """The answers that no organization has a part in."""

    def __init__(self, installation: Installation, manners: VeeamManners) -> None:
        self._installation = installation
        self._manners = manners

    def answerers(self) -> dict[str, Answerer]:
        """Return what answers which endpoint."""
        return {
            "service_instance": self.service_instance,
            "health": self.health,
            "history_settings": lambda _: {"keepAllsessions": False, "keeponlyLast": WEEKS_KEPT},
            "management_mode": lambda _: {"isManaged": False, "managerId": None, "companyName": None},
            "updates": self.updates,
            "email_settings": self.email_settings,
            "portal_settings": self.portal_settings,
        }

    def service_instance(self, _question: Question) -> Answered:
        """Tell which installation this is."""
        return {"installationId": self._installation.lot.guid("installation"), "version": VERSION}

    def health(self, question: Question) -> Answered:
        """Tell whether the database and the message server work; the latter sometimes does not."""
        world = self._installation.world
        hour = floor(question.now / world.era.seconds(HOUR))
        ill = not world.calm and self._installation.lot.child("health").one(hour) < self._manners.unhealthy
        ill = ill or world.incidents.struck("server_unhealthy", question.now) is not None
        nats = {"status": "Unhealthy", "description": "No connection (synthetic)."}
        well = {"status": "Healthy", "description": None}
        row = {
            "status": "Unhealthy" if ill else "Healthy",
            "entries": {"configurationDb": well, "nats": nats if ill else well},
        }
        return Answer(row, self._manners.unhealthy_status if ill else HTTPStatus.OK)

    def updates(self, _question: Question) -> Answered:
        """Tell how the server is kept up to date."""
        settings = {"sendEmailOnAvailableUpdates": True, "installUpdatesAutomatically": False}
        return {"enableCheckForUpdates": True, "updateSettings": settings}

    def email_settings(self, question: Question) -> Answered:
        """Tell about what the server sends mail."""
        row = {
            "notifyOnSuccess": False,
            "notifyOnWarning": True,
            "notifyOnFailure": True,
            "supressUntilLastRetry": True,
            "enableNotification": True,
            "isAuthenticated": True,
        }
        return question.pen.fields("email settings", row)

    def portal_settings(self, question: Question) -> Answered:
        """Tell where people restore by themselves."""
        row = {
            "applicationId": self._installation.lot.guid("portal"),
            "msalAuthorityUri": "https://login.example.com",
            "restorePortalUri": "https://restore.provider.example:4443",
            "isEnabled": True,
        }
        return question.pen.fields("portal settings", row)
