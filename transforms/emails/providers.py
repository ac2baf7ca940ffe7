"""What is known of mail domains: whose mailboxes are one, which are misspelt, which are stand-ins.

All of it is data. A rule is here only with its source; an unlisted domain has no rule, and
its addresses match only when they are equal.
"""

from collections.abc import Iterator

# Domains under which one mailbox has several spellings: dots are ignored, and what follows a `+`.
# Google: "Dots don't matter in Gmail addresses", support.google.com/mail/answer/7436150;
# `+` tags, support.google.com/mail/answer/22370; googlemail.com is gmail.com,
# support.google.com/mail/answer/10313. Company domains at Google do tell dots apart
# (support.google.com/a/users/answer/9282734), so nothing is said of them here.
DOTS_IGNORED = frozenset({"gmail.com", "googlemail.com"})
DOTLESS_DOMAIN = "gmail.com"

TAGS_IGNORED = frozenset(
    {
        *DOTS_IGNORED,
        # Microsoft: Outlook.com and Hotmail since September 2013; for Exchange Online see
        # learn.microsoft.com, "Plus Addressing in Exchange Online". Yahoo and AOL have none.
        "outlook.com", "hotmail.com", "live.com", "msn.com",
        # Apple has no page of its own; reported since 2014 and listed in Wikipedia,
        # "Email address", Subaddressing.
        "icloud.com", "me.com", "mac.com",
        # fastmail.help, "Plus addressing and subdomain addressing" (360060591053).
        "fastmail.com", "fastmail.fm", "pobox.com",
        # proton.me/support/addresses-and-aliases. Proton is said to ignore dots and hyphens as
        # well; it documents that nowhere, so they count.
        "protonmail.com", "protonmail.ch", "proton.me", "pm.me",
        # kb.mailbox.org, "Using mail extensions".
        "mailbox.org",
        # yandex.com/support/mail, "Special email addresses".
        "yandex.com", "yandex.ru", "ya.ru",
    }
)  # fmt: skip

# Large public mailbox providers, for spelling only. Names of under five letters (aol, gmx, live)
# are left out: within one letter of them lie too many real domains.
WELL_KNOWN = (
    "gmail.com", "googlemail.com", "yahoo.com", "ymail.com", "hotmail.com", "outlook.com",
    "icloud.com", "comcast.net", "verizon.net", "sbcglobal.net", "bellsouth.net", "earthlink.net",
    "optonline.net", "charter.net", "rocketmail.com", "protonmail.com", "fastmail.com",
    "hotmail.co.uk", "yahoo.co.uk", "yahoo.com.br", "yahoo.co.in",
)  # fmt: skip

# Real domains one letter away from a well-known one. Without them a true address would be doubted.
_REAL_NEIGHBOURS = frozenset(
    {
        "mail.com", "email.com", "tmail.com", "zmail.com", "fmail.com", "kmail.com", "xmail.com",
        "imail.com", "amail.com", "rmail.com", "smail.com", "wmail.com", "vmail.com", "omail.com",
        "dmail.com", "bmail.com", "cloud.com",
    }
)  # fmt: skip

# Endings that no registry has delegated, and what hands meant to type.
TLD_TYPOS = {
    "con": "com", "cmo": "com", "ocm": "com", "comm": "com", "coom": "com", "vom": "com",
    "xom": "com", "cpm": "com", "ccom": "com", "clm": "com", "ckm": "com", "com1": "com",
    "ner": "net", "nett": "net", "nte": "net", "ogr": "org", "orgg": "org",
}  # fmt: skip

# Mailbox names that people and forms put in when there is no address. At any domain.
PLACEHOLDER_LOCALS = frozenset(
    {
        "asdf", "asdfasdf", "declined", "donotemail", "donotreply", "do-not-reply", "dontemail",
        "fake", "fakeemail", "no-email", "no-mail", "no-reply", "no.email", "no.reply",
        "no_email", "noaddress", "nobody", "noemail", "noemailaddress", "noemailgiven",
        "noemailprovided", "nomail", "none", "noone", "noreply", "notavailable", "notgiven",
        "nothing", "notprovided", "null", "qwerty", "refused", "test", "test1", "test123",
        "tester", "testing", "testtest", "undefined", "unknown",
    }
)  # fmt: skip

# Domains that exist, or seem to, only for stand-ins. Every mailbox of theirs.
# The example domains of RFC 2606 are not here: samples and documentation rightly use them.
PLACEHOLDER_DOMAINS = frozenset(
    {
        "asdf.com", "declined.com", "donotemail.com", "fake.com", "fakeemail.com", "fakemail.com",
        "invalid.com", "na.com", "no-email.com", "no.com", "noaddress.com", "nobody.com",
        "noemail.com", "noemail.net", "noemail.org", "noemailaddress.com", "noemailprovided.com",
        "nomail.com", "nomail.net", "none.com", "none.net", "none.org", "noreply.com",
        "notgiven.com", "notprovided.com", "nowhere.com", "null.com", "qwerty.com", "refused.com",
        "test.com", "test.net", "test.org", "testing.com", "undefined.com", "unknown.com",
        "yourdomain.com",
    }
)  # fmt: skip

# Stand-ins only as `abc@abc.com`: the domains are real, and so may other mailboxes there be.
PLACEHOLDER_TWINS = frozenset(
    {
        "a", "aa", "aaa", "abc", "abcd", "address", "b", "c", "e", "email", "invalid", "mail",
        "me", "n", "name", "nil", "no", "spam", "user", "x", "xx", "xxx", "xyz", "you", "your",
        "z", "123",
    }
)  # fmt: skip

# What forms show as an example. Not at example.com, see above.
EXAMPLE_LOCALS = frozenset({"address", "email", "name", "user", "you", "your", "yourname"})
EXAMPLE_DOMAINS = frozenset({"domain.com", "email.com", "mail.com"})

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-."


def _misspell(domain: str) -> Iterator[str]:
    """Every text that is one slip away: a letter dropped, doubled, swapped, changed or added."""
    for i in range(len(domain)):
        yield domain[:i] + domain[i + 1 :]
        yield domain[:i] + domain[i + 1 : i + 2] + domain[i] + domain[i + 2 :]
        for letter in _LETTERS:
            yield domain[:i] + letter + domain[i + 1 :]
            yield domain[:i] + letter + domain[i:]


def domain_typos() -> dict[str, str]:
    """Misspelt domain -> the well-known one that was meant.

    A slip that fits two well-known domains (or is a real domain itself) is left out.
    """
    meant: dict[str, str | None] = {}
    for domain in WELL_KNOWN:
        for typo in _misspell(domain):
            meant[typo] = domain if meant.get(typo, domain) == domain else None
    known = _REAL_NEIGHBOURS | {*WELL_KNOWN}
    return {typo: domain for typo, domain in meant.items() if domain and typo not in known}
