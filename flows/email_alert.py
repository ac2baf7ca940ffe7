"""E-mail by any mail server, as a block of Prefect: it ships none but one vendor's."""

from prefect.blocks.notifications import AppriseNotificationBlock


class EmailAlert(AppriseNotificationBlock):
    """Sends a notification by e-mail, to an address as Apprise reads it: ``mailtos://...``."""

    _block_type_name = "Leadfold e-mail"
    _block_type_slug = "leadfold-email"
