"""The problem profile as documents, from one template: HTML, DOCX and PDF, and their Markdown.

Same context, same bytes. Nothing here computes a figure.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from reports import figures, sections
from reports.context import ReportContext
from reports.documents import to_docx, to_html, to_pdf
from reports.markdown import Markdown, bullets, escape, figure, note

TEMPLATE = Path(__file__).parent / "problem_profile.md"
SYNTHETIC = "Invented data: no person, place or event in this document is real."


def build_report(context: ReportContext) -> dict[str, bytes]:
    """Return `problem_profile.html`, `.docx` and `.pdf` by file name.

    Takes about two seconds. Raises RuntimeError, without any text of the document, when pandoc
    can't make one of them.
    """
    charts = figures.draw(context.tables, context.labels)
    svgs = {f"{name}.svg": figures.svg(chart) for name, chart in charts.items()}
    pngs = {f"{name}.png": figures.png(chart) for name, chart in charts.items()}
    alts = {name: chart.alt for name, chart in charts.items()}
    meta = _meta(context)
    as_at = context.settings.as_at
    widths = {name: figures.width_percent(svgs[f"{name}.svg"]) for name in charts}
    print_form = render(context, alts, widths, "png")
    return {
        "problem_profile.html": to_html(render(context, alts, widths, "svg"), svgs, meta),
        "problem_profile.docx": to_docx(print_form, pngs, meta, as_at),
        "problem_profile.pdf": to_pdf(print_form, pngs, meta, as_at),
    }


def render(
    context: ReportContext, alts: Mapping[str, str], widths: Mapping[str, str], suffix: str
) -> str:
    """Return the report's Markdown; every value is escaped unless this package made it.

    Args:
        context: what is printed.
        alts: names of the charts there are, with what each shows in words.
        widths: how wide each chart is drawn, of the text (`80%`).
        suffix: file type of the charts (`svg` or `png`).
    """
    import jinja2

    settings = context.settings

    def chart(name: str, caption: str) -> Markdown:
        if name not in alts:
            return Markdown(
                "*No chart: every figure of it is withheld or not held, or there is none.*"
            )
        return figure(f"{name}.{suffix}", alts[name], caption, widths[name])

    def comment(section: str) -> Markdown:
        return note(context.commentary.get(section, ""), "The analyst writes:")

    environment = jinja2.Environment(
        finalize=escape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 Markdown, not HTML: `finalize` escapes every value
    )
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    period, terms = settings.period, settings.terms_of_reference
    agreed = terms.agreed_by or "not stated"
    if terms.agreed_on:
        agreed += f", {_day(terms.agreed_on)}"
    return template.render(
        ctx=context,
        settings=settings,
        tor=terms,
        period=f"{_day(period.start)} to {_day(period.end)}",
        as_at=_day(settings.as_at),
        agreed=agreed,
        hours=f"{settings.return_interviews.hours:g}",
        short_period=sections.short_period(context),
        bullets=bullets,
        chart=chart,
        comment=comment,
        victims=sections.by_dimension(context, "victim_profile", "children"),
        suspects=sections.by_dimension(context, "suspect_profile", "suspects"),
        locations=sections.by_dimension(context, "location_profile", "events", "###"),
        **{
            name: getattr(sections, name)(context)
            for name in (
                "findings",
                "terms",
                "regional",
                "deliveries",
                "quality",
                "completeness",
                "rag",
                "warnings",
                "reports_left_out",
                "linkage",
                "coverage",
                "cohort",
                "prevalence",
                "distribution",
                "pairs",
                "hotspots",
                "representation",
                "prevalence_estimate",
                "interviews",
                "screening",
                "disruption",
                "suspects_in_doubt",
                "gaps",
                "actions",
                "plan",
                "code_lists",
            )
        },
    )


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _meta(context: ReportContext) -> dict[str, str]:
    settings = context.settings
    # The area stands beside the title: a title that ends in it would name it twice.
    title = settings.title.removesuffix(f", {settings.area.name}")
    meta = {
        "title": title,
        "area": settings.area.name,
        "subtitle": settings.area.name,
        "marking": f"{settings.protective_marking} · {context.edition}",
        "footer": f"{title}, {settings.area.name}, as at {_day(settings.as_at)}",
    }
    if settings.author:
        meta["author"] = settings.author
    if settings.synthetic:
        meta["synthetic"] = SYNTHETIC
    return meta
