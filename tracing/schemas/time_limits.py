"""What administrators enter: changes of a calendar, office hours, agreements on time."""

from tracing.schemas.fields import (
    Block,
    Code,
    Codes,
    Day,
    Line,
    Section,
    Tick,
    When,
    Whole,
)
from workflows.vocabulary import (
    N_,
    CalendarChangeKind,
    HoursCounted,
    LegalBasis,
    LimitUnit,
    Urgency,
    WeekDay,
)


class CalendarChangeSchema(Section):
    """What somebody knows better of the days of a State."""

    title = N_("Change the calendar")

    kind = Code(
        CalendarChangeKind,
        label=N_("What changes"),
        ask=N_("Choose what changes"),
        kind="radios",
        reveal={
            CalendarChangeKind.HOLIDAY: ("name", "estimated"),
            CalendarChangeKind.WORKING: "name",
            CalendarChangeKind.WEEKEND: "weekend",
        },
    )
    first = Day(When.OF_CALENDARS, label=N_("First day"), ask=N_("Enter the first day"))
    last = Day(
        When.OF_CALENDARS,
        label=N_("Last day"),
        hint=N_("The same day if it is one day only."),
        ask=N_("Enter the last day"),
    )
    name = Line(200, label=N_("What the day is called"))
    estimated = Tick(label=N_("The day may still move, with the moon or a decree"))
    weekend = Codes(WeekDay, label=N_("Days of the week that are free"))
    why = Block(2000, label=N_("Why"), ask=N_("Enter why the calendar changes"), rows=2)
    source = Line(
        300,
        label=N_("Where it is written"),
        hint=N_("For example the law, or the gazette and its number."),
        ask=N_("Enter where it is written"),
    )


class OfficeHoursSchema(Section):
    """When an authority works, and whose feasts it keeps."""

    title = N_("Office hours")

    hours = Line(
        400,
        label=N_("Hours"),
        hint=N_("For example Mon-Fri 08:00-12:30 13:30-17:00; Sat 09:00-12:00."),
        dir="ltr",
    )
    subdivision = Line(
        10,
        label=N_("Part of the State whose own holidays you keep"),
        hint=N_("Its code in ISO 3166-2 without the State, for example 30."),
        dir="ltr",
        width="w10",
    )


class AgreementSchema(Section):
    """What two or more States have agreed on time."""

    title = N_("Enter an agreement")

    code = Line(
        40,
        label=N_("Short name"),
        hint=N_("Letters A to Z, digits and _. The same name makes a new version."),
        ask=N_("Enter a short name"),
        dir="ltr",
        width="w20",
    )
    label = Line(200, label=N_("Title"), ask=N_("Enter what it is called"))
    states = Line(
        120,
        label=N_("States"),
        hint=N_("Two letters each, with spaces between, for example KE BR."),
        ask=N_("Enter the States"),
        dir="ltr",
        width="w20",
    )
    since = Day(
        When.OF_CALENDARS,
        label=N_("For requests sent from this day on"),
        ask=N_("Enter the first day"),
    )
    bases = Codes(LegalBasis, label=N_("For these legal bases; for all if none"))
    urgency = Code(Urgency, label=N_("For this urgency; for any if none"))
    unit = Code(
        LimitUnit,
        label=N_("Counted in"),
        ask=N_("Choose what is counted"),
        kind="radios",
        reveal={
            LimitUnit.HOURS: "clock",
            LimitUnit.CALENDAR_DAYS: "ends_on_working_day",
        },
    )
    clock = Code(HoursCounted, label=N_("Which hours count"))
    ends_on_working_day = Tick(
        label=N_("If the last day is not worked, the period runs to the next one")
    )
    answer_in = Whole(1, 1440, label=N_("Answer within"), ask=N_("Enter a number"))
    acknowledge_in = Whole(1, 1440, label=N_("Acknowledge within"))
    delay_notice_in = Whole(
        0,
        1440,
        label=N_("A delay is announced so long before the end at the latest"),
    )
    paused = Tick(label=N_("A question from the requested authority stops the clock"))
    reminders = Line(
        60,
        label=N_("Reminders before the end"),
        hint=N_("Numbers with spaces between, in the unit above, for example 7 3 1."),
        dir="ltr",
        width="w20",
    )
    binding = Tick(
        label=N_("The text itself sets these numbers; I have read it"),
        hint=N_("Only then do pages call them law."),
    )
    source = Line(300, label=N_("Article"), ask=N_("Enter the article that says so"))
    why = Block(2000, label=N_("Why now"), ask=N_("Enter why it is entered"), rows=2)
