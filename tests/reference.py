"""The import in a hundred lines of plain Python: the oracle for the pipeline. No frame, no SQL."""

import csv
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace as Record

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from pycountry import countries

PLACEHOLDERS = {"none@none.com", "test@test.com"}
MATCHES = ("new", "crm_id", "phone", "email")


class World:  # leads by key, who holds each claim, how many people there are
    def __init__(self) -> None:
        self.leads, self.holders, self.people = {}, {}, 0

    def golden(self) -> dict[int, dict[str, str]]:
        found: dict[int, dict[str, str]] = {}
        for lead in sorted(self.leads.values(), key=lambda lead: lead.order):
            record = found.setdefault(lead.person, {})
            record.update(lead.texts)
            spaces = {"crm_id": lead.space, "phone": "phone", "email": "email"}
            for rank, (name, kind) in enumerate(spaces.items(), start=1):
                values = getattr(lead, f"{name}s")
                held = [v for v in values if self.holders.get((rank, kind, v)) == lead.person]
                record[name] = held[0] if held else record.get(name)
        return found


def phone(text: str, region: str) -> str | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(number, 0) if phonenumbers.is_valid_number(number) else None


def email(text: str) -> str | None:
    try:
        found = validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return None
    return None if found.normalized.lower() in PLACEHOLDERS else found.normalized.lower()


def state(row: list[str], header: list[str], line: int, layout: dict) -> Record | None:
    """What one row says, or nothing if it is rejected."""
    cells = {name: cell.strip() for name, cell in zip(header, row, strict=False)}
    region = cells.get(layout.get("country", "")) or "US"
    phones = [phone(cells.get(name, ""), region) for name in layout["phones"]]
    phones = list(dict.fromkeys(number for number in phones if number))
    emails = [address for address in [email(cells.get(layout["email"], ""))] if address]
    crm_ids = [v for v in [cells.get(layout.get("crm_id", ""))] if v]
    if len(row) != len(header) or not (crm_ids or phones or emails):
        return None
    key = crm_ids[0] if crm_ids else str(sorted((k, v) for k, v in cells.items() if v))
    when = cells.get(layout.get("clock", ""))
    when = datetime.strptime(when, layout["format"]).replace(tzinfo=UTC) if when else None
    texts = {ours: v for ours, theirs in layout["texts"].items() if (v := cells.get(theirs))}
    texts |= {"country": countries.lookup(v).alpha_2} if (v := texts.get("country")) else {}
    if "full_name" in texts:  # in these samples always a first and a last name
        texts["first_name"], texts["last_name"] = texts["full_name"].split()
    claims = {(1, layout["space"], v) for v in crm_ids} | {(2, "phone", v) for v in phones}
    claims |= {(3, "email", v) for v in emails}
    order = (when is not None, when or datetime.min.replace(tzinfo=UTC))
    said = {"crm_ids": crm_ids, "phones": phones, "emails": emails, "texts": texts}
    return Record(key=(layout["source"], key), line=line, order=order, claims=claims, **said)


def import_file(world: World, path: Path, layout: dict, sequence: int) -> tuple[Counter, Counter]:
    """Fold one file in; ``layout`` names columns, clock format, trust and space of ids."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = (row for row in csv.reader(file) if any(row))
    stated = [state(row, header, line, layout) for line, row in enumerate(rows)]
    accepted = sorted((s for s in stated if s), key=lambda s: (s.order, s.line))
    counts = Counter(landed=len(rows), rejected=stated.count(None), duplicate=len(accepted))
    match, new, claims = Counter(), {}, {}
    for s in accepted:  # the newer statement last, field by field
        lead = new.setdefault(s.key, Record(texts={}, crm_ids=[], phones=[], emails=[]))
        lead.texts.update(s.texts)
        lead.crm_ids, lead.space = s.crm_ids, layout["space"]
        lead.phones, lead.emails = s.phones or lead.phones, s.emails or lead.emails
        lead.order = (*s.order, layout["trust"], sequence, s.key)
        claims.setdefault(s.key, set()).update(s.claims)
    counts["duplicate"] -= len(new)
    for key, lead in new.items():
        old = world.leads.get(key)  # these samples never change, so nothing is folded into it
        same = old and (old.texts, old.phones, old.emails) == (lead.texts, lead.phones, lead.emails)
        counts["unchanged" if same else "updated" if old else "inserted"] += 1
        held = sorted(claim for claim in claims[key] if claim in world.holders)
        lead.person = old.person if old else world.holders[held[0]] if held else world.people
        world.people += lead.person == world.people
        match["source_record" if old else MATCHES[held[0][0] if held else 0]] += 1
        world.holders |= {c: world.holders.get(c, lead.person) for c in claims[key]}
        world.leads[key] = old if same else lead
    return counts, match
