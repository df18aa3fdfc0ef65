"""Rows of protected users, groups, sites and teams (reference 8.13)."""

from exporter.simulator.customers import Customer
from exporter.simulator.veeam.organization_rows import backed_up_id
from exporter.simulator.veeam.pen import Row
from exporter.simulator.veeam.usage import Entity

ACCOUNTS = (*("User",) * 8, "SharedMailbox", "PublicMailbox")


def protected_row(customer: Customer, entity: Entity, number: int) -> Row:
    """Return the row of one of what is protected of an organization."""
    lot = customer.lot.child("veeam protected", entity, number)
    row: Row = {
        "id": lot.guid("id"),
        "msid": lot.guid("msid"),
        "displayName": f"{entity[:-1].capitalize()} {number} (synthetic)",
        "organizationId": customer.id,
        "backedUpOrganizationId": backed_up_id(customer),
        "eTag": lot.whole(1, 9, "eTag"),
        "_links": {},
    }
    match entity:
        case "users":
            mailbox = {
                "id": lot.guid("mailbox"),
                "displayName": row["displayName"],
                "email": f"user{number}@{customer.domain}",
                "isArchive": False,
            }
            more = {"accountType": lot.pick(ACCOUNTS, "account"), "mailboxes": [mailbox], "oneDrives": [], "sites": []}
        case "groups":
            more = {"mailboxes": [], "sites": []}
        case "sites":
            more = {"url": f"https://{customer.domain}/sites/{number}"}
        case _:
            more = {"description": ""}
    return row | more
