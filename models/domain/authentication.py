"""Reads what our own mail server found out about a sender (RFC 8601), and believes nobody else's word for it.

Headers come in the order in which they stand in the mail: what our server wrote stands above whatever the sender
brought, so that only the topmost that bears our server's name counts.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

FAIL: Final = "fail"
PASS: Final = "pass"  # noqa: S105 - a result, no password
LONGEST_HEADER: Final = 8_192
"""A longer one is no server's: it is not looked at."""
_RESULT: Final = re.compile(r"\s*([a-z][a-z0-9-]*)(?:\s*/\s*\d+)?\s*=\s*([a-z]+)", re.IGNORECASE)
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')

Results = dict[str, set[str]]
"""By method, such as `dmarc`, what came of it; DKIM may be there once for each signature."""


def failed_check(headers: Iterable[str], trusted: str) -> str:
    """Return the method by which our server found a sender not to be who it says; empty when none has failed.

    `trusted` is the name by which our server signs its findings; empty: nobody is believed, and nothing fails. DMARC
    decides where there is a policy; without one, a failure counts where neither SPF nor DKIM has passed.
    """
    results = results_of(headers, trusted)
    if FAIL in results.get("dmarc", ()):
        return "dmarc"
    if any(PASS in results.get(method, ()) for method in ("dmarc", "spf", "dkim")):
        return ""
    return next((method for method in ("spf", "dkim") if FAIL in results.get(method, ())), "")


def results_of(headers: Iterable[str], trusted: str) -> Results:
    """Return the results in the topmost header of the trusted server; empty when there is none."""
    if not trusted:
        return {}
    for header in headers:
        server, *parts = _parts(header) if len(header) <= LONGEST_HEADER else [""]
        if server.split()[:1] and server.split()[0].casefold() == trusted.casefold():
            return _results(parts)
    return {}


def _results(parts: Iterable[str]) -> Results:
    found: Results = {}
    for part in parts:
        result = _RESULT.match(part)
        if result is not None:
            found.setdefault(result[1].lower(), set()).add(result[2].lower())
    return found


def _parts(header: str) -> list[str]:
    """Return the parts of a header between its semicolons, quoted texts and comments taken out."""
    return "".join(_uncommented(_QUOTED.sub('""', header))).split(";")


def _uncommented(text: str) -> Iterator[str]:
    depth = 0
    for sign in text:
        if sign == "(":
            depth += 1
        elif sign == ")" and depth:
            depth -= 1
        elif not depth:
            yield sign
