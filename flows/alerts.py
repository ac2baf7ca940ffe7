"""Alerts: failed, crashed and held imports are told by webhook, e-mail or SMS, once configured.

They are automations of Prefect, so that the UI shows them and people can pause them there.
"""

import re
from urllib.parse import unquote, urlsplit
from uuid import UUID

from prefect.blocks.abstract import NotificationBlock
from prefect.blocks.notifications import CustomWebhookNotificationBlock, TwilioSMS
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events.actions import SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from pydantic import SecretStr

from contracts.errors import WrongCallError
from flows.deployments import TAKEN_UP
from flows.email_alert import EmailAlert
from flows.settings import Settings
from flows.waiting import HELD

# What happens -> the events of Prefect by which it is known, and what people are told.
_EVENTS = {
    "failed": (["prefect.flow-run.Failed"], "failed"),
    "crashed": (["prefect.flow-run.Crashed"], "crashed, and is tried again up to three times"),
    "held": (
        # The name of the state, not its type, names the event (flows.waiting).
        [f"prefect.flow-run.{HELD}"],
        "is held until somebody decides",
    ),
}
# Names and the sentence of the state hold no personal data; parameters and rows are not sent.
_BODY = "{{ flow_run.name }}: {{ flow_run.state.message }}\n{{ flow_run | ui_url }}"


def set_up_alerts(settings: Settings) -> list[str]:
    """Make or mend the automations that are configured, and remove those that are not any more.

    Returns:
        The ways by which alerts go out.

    Raises:
        WrongCallError: An address is none.
    """
    blocks = {kind: make_block(kind, address) for kind, address in settings.alerts.items()}
    with get_client(sync_client=True) as client:
        ids = [_save(kind, block) for kind, block in blocks.items()]
        for what in _EVENTS:
            _set_up(client, what, ids)
    return list(blocks)


def _set_up(client: SyncPrefectClient, what: str, block_ids: list[UUID]) -> None:
    wanted = _automation(what, block_ids)
    found = client.read_automations_by_name(wanted.name)
    if not block_ids:
        for each in found:
            client.delete_automation(each.id)
    elif found:
        # Whoever has paused it in the UI keeps it paused.
        wanted.enabled = found[0].enabled
        client.update_automation(found[0].id, wanted)
        for each in found[1:]:
            client.delete_automation(each.id)
    else:
        client.create_automation(wanted)


def _automation(what: str, block_ids: list[UUID]) -> AutomationCore:
    events, said = _EVENTS[what]
    return AutomationCore(
        name=f"Leadfold: import {what}",
        description=f"Tells that an import {said}. Set up by leadfold up from LEADFOLD_ALERT_*.",
        trigger=EventTrigger(
            posture=Posture.Reactive,
            expect=set(events),
            match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
            match_related=ResourceSpecification(
                {
                    "prefect.resource.role": "deployment",
                    "prefect.resource.name": list(TAKEN_UP),
                }
            ),
            for_each={"prefect.resource.id"},
            threshold=1,
        ),
        actions=[
            SendNotification(
                block_document_id=block_id, subject=f"Leadfold: an import {said}", body=_BODY
            )
            for block_id in block_ids
        ],
    )


def _save(kind: str, block: NotificationBlock) -> UUID:
    """Save a block under its name, over what was saved there."""
    found: UUID = block.save(f"leadfold-alert-{kind}", overwrite=True, _sync=True)  # type: ignore[call-arg, assignment]
    return found


def make_block(kind: str, address: str) -> NotificationBlock:
    """What sends an alert to an address: of a ``webhook``, an ``email`` or an ``sms``.

    Raises:
        WrongCallError: It is no address of that kind.
    """
    if kind == "webhook":
        if not re.fullmatch(r"https?://\S+", address):
            raise WrongCallError("LEADFOLD_ALERT_WEBHOOK is no address.\nWrite https://host/path.")
        # Most chats take "text"; "subject" and "body" are for programs.
        said = {"text": "{{subject}}\n{{body}}", "subject": "{{subject}}", "body": "{{body}}"}
        return CustomWebhookNotificationBlock(name="leadfold", url=address, json_data=said)
    if kind == "email":
        if not re.fullmatch(r"mailtos?://\S+", address):
            raise WrongCallError(
                "LEADFOLD_ALERT_EMAIL is no address of a mail server.\n"
                "Write mailtos://user:password@smtp.example:587?from=a@example&to=b@example."
            )
        return EmailAlert(url=SecretStr(address))
    return _twilio(address)


def _twilio(address: str) -> TwilioSMS:
    """The account of an address such as ``twilio://SID:TOKEN@+15005550006/+14155552671``."""
    parts = urlsplit(address)
    targets = [unquote(each) for each in parts.path.split("/") if each]
    try:
        if parts.scheme != "twilio" or not targets:
            raise ValueError(address)
        return TwilioSMS(
            account_sid=unquote(parts.username or ""),
            auth_token=SecretStr(unquote(parts.password or "")),
            from_phone_number=unquote(parts.netloc.rpartition("@")[2]),
            to_phone_numbers=targets,
        )
    except (TypeError, ValueError):
        # What Twilio's client says of it holds the token.
        raise WrongCallError(
            "LEADFOLD_ALERT_SMS is no account of Twilio.\n"
            "Write twilio://ACCOUNT_SID:AUTH_TOKEN@FROM_NUMBER/TO_NUMBER/TO_NUMBER."
        ) from None
