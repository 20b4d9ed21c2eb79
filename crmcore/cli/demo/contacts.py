"""Contacts of the demonstration, as a telephone gives them away: one vCard file with many cards."""

from __future__ import annotations

from crmcore.cli.demo.companies import companies

__all__ = ["contacts_vcf"]

_CARDS = 12


def contacts_vcf() -> str:
    """Return the contacts of the first customers."""
    return "".join(
        "BEGIN:VCARD\r\nVERSION:3.0\r\n"
        f"FN:{company.contact}\r\n"
        f"ORG:{company.name}\r\n"
        f"TEL;TYPE=WORK,VOICE:{company.phone}\r\n"
        f"EMAIL;TYPE=INTERNET:{company.code.lower()}@example.com\r\n"
        "END:VCARD\r\n"
        for company in companies()[:_CARDS]
    )
