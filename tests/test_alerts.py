"""Alerts: the address of each kind as a block of Prefect; a mail that is really delivered."""

import pytest
from prefect.blocks.notifications import CustomWebhookNotificationBlock, TwilioSMS

from contracts.errors import WrongCallError
from flows.alerts import make_block
from flows.email_alert import EmailAlert
from tests.receivers import mail_receiver


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")
def test_an_email_arrives() -> None:
    """Through any mail server that an address of Apprise names."""
    with mail_receiver() as mail:
        block = make_block(
            "email",
            f"mailto://127.0.0.1:{mail.port}?from=leadfold@example.org&to=ops@example.org"
            "&mode=insecure",
        )
        assert isinstance(block, EmailAlert)
        block.notify("acme/hubspot leads.csv: Failed", "Leadfold: an import failed")
    (told,) = mail.messages
    assert "Subject: Leadfold: an import failed" in told
    assert "To: ops@example.org" in told


def test_an_sms_goes_by_an_account_of_twilio() -> None:
    """Its parts come from one address, percent-encoded or not."""
    account, token = "AC" + 32 * "0", 32 * "1"
    block = make_block("sms", f"twilio://{account}:{token}@%2B15005550006/+14155552671")
    assert isinstance(block, TwilioSMS)
    assert (block.account_sid, block.auth_token.get_secret_value()) == (account, token)
    assert (block.from_phone_number, block.to_phone_numbers) == ("+15005550006", ["+14155552671"])


def test_a_webhook_takes_what_chats_and_programs_read() -> None:
    """One JSON for both."""
    block = make_block("webhook", "https://chat.example/hook")
    assert isinstance(block, CustomWebhookNotificationBlock)
    assert set(block.json_data or {}) == {"text", "subject", "body"}


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("webhook", "chat.example/hook"),
        ("email", "ops@example.org"),
        ("sms", "+14155552671"),
        ("sms", "twilio://AC0@+15005550006/+14155552671"),
        ("sms", "twilio://AC0:token-of-somebody@+15005550006/+14155552671"),
    ],
)
def test_what_is_no_address_is_refused(kind: str, address: str) -> None:
    """With the variable that holds it, and without what it holds: that may be a secret."""
    with pytest.raises(WrongCallError, match=f"LEADFOLD_ALERT_{kind.upper()}") as refused:
        make_block(kind, address)
    assert address not in str(refused.value)
    assert "token-of-somebody" not in str(refused.value)
