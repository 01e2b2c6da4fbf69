"""Units that answer as people do: a filled form with single cells changed, or a few words of reply."""

import io
from email import policy
from email.message import EmailMessage

from openpyxl import load_workbook

from deployments.postoffice import mails_for
from deployments.simulated_units import WORKBOOK, Act, Correspondent, Habit, SimulatedUnit, post
from models.db.records import cycles
from tasks.adapters.texts import vietnamese
from tests.builders import hanoi
from tests.tasks.conftest import address_of


def send_form(office, unit, instant, *, cells=None, cycle="bc-6t-2025", act="answer"):
    """Fill the form of the unit's newest letter that has one, change cells, and send it with the signed copy.

    `cells` gives by code of a field its value; a key of two parts, such as `("CT01", "note")`, is another column.
    """
    mail = _filled(office, unit, instant, cells=cells or {}, cycle=cycle, act=act)
    with office.at(instant):
        post([mail], port=office.mail.smtp_port)
    office.mail.settle()


def _filled(office, unit, instant, *, cells, cycle, act):
    with office.at(instant) as runtime, runtime.sessions() as session:
        form = cycles.cycle(session, cycle).form
    simulated = SimulatedUnit(code=unit, address=address_of(unit), habit=Habit.ON_TIME)
    letters = mails_for(office.mail.home, simulated.address)
    deed = Act(unit_code=unit, day="", name=act)
    mail = Correspondent(form, vietnamese()).write(deed, simulated, letters, hanoi(instant))
    mail.replace_header("Message-ID", f"<{unit}.{instant.replace(' ', '-')}@units.example.invalid>")
    _change(mail, form, cells)
    return mail


def form_of(office, unit, instant, *, cells=None, cycle="bc-6t-2025"):
    """Return the filled form of a unit and its signed copy, as bytes, for what comes another way than by mail."""
    mail = _filled(office, unit, instant, cells=cells or {}, cycle=cycle, act="answer")
    parts = {part.get_content_type(): part.get_payload(decode=True) for part in mail.iter_attachments()}
    return parts[WORKBOOK], parts["application/pdf"]


def send_words(office, unit, instant, text, *, to=None, sender="", headers=()):
    """Answer the unit's newest letter in words."""
    asked = to or office.letters_to(address_of(unit))[-1]
    mail = EmailMessage(policy=policy.SMTP)
    for name, value in headers:
        mail[name] = value
    mail["From"] = sender or address_of(unit)
    mail["To"] = str(asked["Reply-To"] or asked["From"])
    mail["Subject"] = f"Re: {asked['Subject']}"
    mail["Message-ID"] = f"<{unit}.{instant.replace(' ', '-')}@units.example.invalid>"
    mail["In-Reply-To"] = str(asked["Message-ID"])
    mail.set_content(text)
    with office.at(instant):
        post([mail], port=office.mail.smtp_port)
    office.mail.settle()


def newest(office, unit):
    """Return the newest letter that a unit's desk has."""
    return office.letters_to(address_of(unit))[-1]


def plain(letter):
    """Return the plain text of a letter."""
    return letter.get_body(("plain",)).get_content()


def _change(mail, form, cells):
    part = next(each for each in mail.walk() if each.get_content_type() == WORKBOOK)
    workbook = load_workbook(io.BytesIO(part.get_payload(decode=True)))
    sheet = workbook[form.figures_sheet]
    columns = {"value": form.value_column, "note": form.note_column, "estimate": form.estimate_column}
    for key, value in cells.items():
        code, column = key if isinstance(key, tuple) else (key, "value")
        sheet[f"{columns[column]}{form.field(code).row}"] = value
    with io.BytesIO() as target:
        workbook.save(target)
        content = target.getvalue()
    name = part.get_filename()
    kind, _, subtype = WORKBOOK.partition("/")
    part.set_content(content, maintype=kind, subtype=subtype, filename=name)
