"""Which currencies a sign, a code or a word beside an amount may stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmcore.schema.values import fold

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CURRENCIES", "currencies_of"]

_ISO_4217 = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP "
    "CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF "
    "IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD "
    "MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB "
    "RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD "
    "UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW"
)
CURRENCIES = frozenset(_ISO_4217.split())
"""Codes of ISO 4217."""
_WORDS = {
    "¥": "CNY JPY",
    "元": "CNY",
    "圆": "CNY",
    "人民币": "CNY",
    "人民币元": "CNY",
    "rmb": "CNY",
    "cnh": "CNY",
    "cn¥": "CNY",
    "jp¥": "JPY",
    "円": "JPY",
    "日元": "JPY",
    "日圆": "JPY",
    "$": "USD AUD BND BSD CAD HKD JMD MXN NZD SGD TTD TWD ARS CLP COP",
    "us$": "USD",
    "美元": "USD",
    "美金": "USD",
    "a$": "AUD",
    "au$": "AUD",
    "澳元": "AUD",
    "c$": "CAD",
    "ca$": "CAD",
    "加元": "CAD",
    "hk$": "HKD",
    "港元": "HKD",
    "港币": "HKD",
    "nt$": "TWD",
    "新台币": "TWD",
    "台币": "TWD",
    "nz$": "NZD",
    "s$": "SGD",
    "新加坡元": "SGD",
    "mop$": "MOP",
    "澳门元": "MOP",
    "mx$": "MXN",
    "r$": "BRL",
    "€": "EUR",
    "欧元": "EUR",
    "£": "GBP EGP",
    "英镑": "GBP",
    "₹": "INR",
    "rs": "INR PKR LKR NPR MUR",
    "₩": "KRW",
    "韩元": "KRW",
    "₽": "RUB",
    "卢布": "RUB",
    "฿": "THB",
    "泰铢": "THB",
    "₫": "VND",
    "越南盾": "VND",
    "₱": "PHP",
    "₺": "TRY",
    "₴": "UAH",
    "₦": "NGN",
    "₪": "ILS",
    "zł": "PLN",
    "kč": "CZK",
    "ft": "HUF",
    "kr": "SEK NOK DKK ISK",
    "瑞士法郎": "CHF",
    "rm": "MYR",
    "rp": "IDR",
}
_CURRENCIES: Mapping[str, frozenset[str]] = {
    **{fold(code): frozenset([code]) for code in CURRENCIES},
    **{fold(word): frozenset(codes.split()) for word, codes in _WORDS.items()},
}


def currencies_of(mark: str) -> frozenset[str]:
    """Return the codes that a sign, a code or a word may stand for; none where it is no currency."""
    return _CURRENCIES.get(fold(mark), frozenset())
