"""`vrag ingest`: files into the index, with a progress bar that can be interrupted."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from enum import Enum
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vrag.cli import logs, output
from vrag.cli.confirm import confirm
from vrag.cli.model_options import (
    BatchSizeOption,
    DeviceOption,
    DTypeName,
    DTypeOption,
    ModelOption,
    PipelineOption,
    QueryTokensName,
    QueryTokensOption,
    RandomWeightsOption,
    RevisionOption,
    model_options,
)
from vrag.cli.place import (
    WAIT_S,
    WHERE,
    CollectionOption,
    TimeoutOption,
    UrlOption,
    WaitOption,
    named_path,
    path_option,
)
from vrag.cli.progress import ingest_bar
from vrag.embedders.options import ModelOptions
from vrag.errors import IndexExistsError, UsageError
from vrag.runtime.units import counted

if TYPE_CHECKING:
    from vrag.cascade.bm25 import Bm25Lane
    from vrag.ingest.report import IngestReport
    from vrag.places.place import Place
    from vrag.remote.any_index import AnyIndex

_SHOWN_FAILURES = 20
_MANY = 5  # pages added, of which one in another language is worth a word


class RendererName(str, Enum):
    """Renderers a user can choose."""

    pdfium = "pdfium"
    poppler = "poppler"


class OcrMode(str, Enum):
    """When pixels are read."""

    auto = "auto"
    always = "always"
    never = "never"


def ingest(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            parser=named_path, help="PDFs, images, CBZ, Office files, web pages, text, mail, or folders of them."
        ),
    ] = None,
    index: Annotated[
        Path | None, path_option("Folder of the index; default: the nearest .vrag, else a new one.", section=WHERE)
    ] = None,
    model: ModelOption = None,
    pipeline: PipelineOption = None,
    recursive: Annotated[bool, typer.Option(help="Include sub-folders.")] = True,
    renderer: Annotated[
        RendererName | None, typer.Option(help="Renderer to try first; the other one takes over what it cannot read.")
    ] = None,
    dpi: Annotated[int | None, typer.Option(min=18, max=600, help="Resolution of rendered pages.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that read pages; default: one a core.")] = None,
    ocr: Annotated[
        OcrMode | None, typer.Option(help="Read pages by OCR: where text is missing, always, or never.")
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            help="Language of the pages: english (default), german, ..., or multilingual (extra [languages])."
        ),
    ] = None,
    ocr_language: Annotated[
        str | None, typer.Option(help="Recognition model in VRAG_OCR_MODELS; default: the built-in one.")
    ] = None,
    password: Annotated[
        list[str] | None, typer.Option(help="For encrypted PDFs; may be repeated. Better: VRAG_PASSWORD.")
    ] = None,
    max_memory: Annotated[
        str | None,
        typer.Option(help="Limit for all processes together, e.g. 4GB; default: half of the machine's memory."),
    ] = None,
    meta: Annotated[list[str] | None, typer.Option(help="KEY=VALUE for every document; may be repeated.")] = None,
    metadata: Annotated[Path | None, typer.Option(help="CSV or JSONL with a column `file`: metadata by file.")] = None,
    check: Annotated[bool, typer.Option(help="Hash all files, even those that look unchanged.")] = False,
    retry_failed: Annotated[bool, typer.Option(help="Try again what failed before; without PATHS: all of it.")] = False,
    prune: Annotated[bool, typer.Option(help="Remove documents whose files are gone from PATHS; asks first.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Prune without asking.")] = False,
    ray: Annotated[
        str | None, typer.Option(help='Ray cluster that reads and embeds: its address, or "local" for one here.')
    ] = None,
    url: UrlOption = None,
    collection: CollectionOption = None,
    timeout: TimeoutOption = None,
    wait: WaitOption = WAIT_S,
    device: DeviceOption = "auto",
    dtype: DTypeOption = DTypeName.auto,
    batch_size: BatchSizeOption = "auto",
    revision: RevisionOption = None,
    query_tokens: QueryTokensOption = QueryTokensName.all,
    allow_random_weights: RandomWeightsOption = False,
    timing: Annotated[bool, typer.Option("--timing", help="Show where the time went.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> int:
    """Index PDFs, images and Office files. Known files are skipped, and an interrupted run goes on.

    LibreOffice, where it is installed, prints docx, pptx, xlsx, odt, odp, ods, rtf, html, md, txt, eml and epub.

    Example: vrag ingest ./pdfs --index ./my-index

    Example: vrag ingest ./akten --language german
    """
    from vrag.cascade.bm25 import language_named
    from vrag.ingest.ingest_options import IngestOptions
    from vrag.ingest.metadata_files import given
    from vrag.ingest.report import IngestReport
    from vrag.pages.files import find_files
    from vrag.pages.ocr import recogniser
    from vrag.places.place import choose_place
    from vrag.runtime.memory import parse_bytes

    memory = parse_bytes(max_memory) if max_memory else None
    options = IngestOptions(check, retry_failed, prune, given(meta or (), metadata), tuple(password or ()), memory)
    if paths:
        find_files(paths, recursive=recursive, may_be_empty=prune)  # before an index is made for nothing
    elif not retry_failed:
        raise UsageError("Give paths: files or folders to index.", "e.g. vrag ingest ./pdfs")
    words = language_named(language) if language else None
    if ocr_language:
        recogniser(ocr_language)
    chosen = renderer.value if renderer else None
    model_how = model_options(device, dtype, batch_size, revision, query_tokens, allow_random_weights)
    page = {"dpi": dpi, "ocr": ocr.value if ocr else None, "ocr_language": ocr_language}
    place = choose_place(index, url, collection, timeout, wait, writing=True)
    with _opened(place, pipeline, model, page, model_how, words) as target:
        report = IngestReport(index=place.name)
        wanted = paths or _failed_files(target)
        try:
            with ingest_bar() as bar:
                target.ingest(wanted, recursive, chosen, workers, bar, report, options, ray)
        except KeyboardInterrupt:
            output.note(f"Interrupted: {counted(report.added, 'page')} kept. The same command goes on from there.")
            raise
        if prune:
            report.removed = _prune(target, wanted, yes)
        _say_languages(report, target.pipeline.text)
    say_what_is_left_out(report)
    if json:
        output.data(report.to_json())
    else:
        _print_report(report)
        if timing:
            _print_timing(report)
    return 1 if report.failed else 0


def say_what_is_left_out(report: IngestReport) -> None:
    """One line on the files that LibreOffice would have to print."""
    if report.left_out:
        from vrag.printing.libreoffice import INSTALL

        kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(report.left_out.items()))
        output.note(f"Left out: {kinds}: LibreOffice, which prints such files, is not installed. {INSTALL}")


def _failed_files(index: AnyIndex) -> list[Path]:
    """The files that failed before, as far as they are there; it is said when none is."""
    files = [path for failure in index.failures() if (path := Path(failure.path)).is_file()]
    if not files:
        output.note("Nothing is there to be tried again: see vrag status --failed.")
    return files


def _prune(index: AnyIndex, paths: Sequence[Path], yes: bool) -> int:
    """Documents removed because their files are gone, once the user agrees."""
    gone = index.gone(paths)
    last = [one for one in gone if one.is_last]
    for one in last[:_SHOWN_FAILURES]:
        output.note(f"Gone: {one.path}")
    if last and not yes and not confirm(f"Remove {counted(len(last), 'document')} from the index?"):
        output.note("Nothing was removed.")
        return 0
    return index.forget(gone)


def _opened(
    place: Place,
    pipeline: str | None,
    model: str | None,
    page: Mapping[str, Any],
    options: ModelOptions,
    language: str | None,
) -> AnyIndex:
    """The index at `place`: opened when it exists and agrees with the options, else made."""
    from vrag.index import Index
    from vrag.pipeline.choosing import choose_pipeline

    if not place.holds_index():
        new = choose_pipeline(pipeline, model, options, language).with_page(**page)
        with suppress(IndexExistsError):  # another process has made it meanwhile
            made = Index.create(place, new, options=options)
            _say_what_the_model_does(made.model_name)
            return made
    opened = Index.open(place, options=replace(options, named=model), incomplete=True)
    try:
        output.warn_of_loss(opened.lost)
        _check_agrees(opened, pipeline, model, page, options, language)
    except BaseException:
        opened.close()
        raise
    return opened


def _check_agrees(
    index: AnyIndex,
    pipeline: str | None,
    model: str | None,
    page: Mapping[str, Any],
    options: ModelOptions,
    language: str | None,
) -> None:
    from vrag.embedders.families import canonical_name
    from vrag.pipeline.differences import Cost, Difference
    from vrag.pipeline.pipeline import load_pipeline

    made = index.pipeline
    asked = load_pipeline(pipeline).over(made) if pipeline else made
    asked = asked.with_page(**page).with_model(canonical_name(model) if model else None)
    asked = asked.with_language(language) if language else asked
    found = index.differences(asked)
    tokens = str(index.fingerprint.facts.get("query_tokens", "all"))
    if options.query_tokens not in ("all", tokens):
        found.append(Difference("query tokens", tokens, options.query_tokens, Cost.EVERYTHING))
    for one in filter(attrgetter("parts_pages"), found):
        can_repool = pipeline if one.cost is not Cost.EVERYTHING else None
        raise one.error(index.place.name, _way_out(index.path, can_repool))


def _way_out(folder: Path | None, pipeline: str | None) -> str:
    """What to do when an index is of another pipeline."""
    elsewhere = "use another folder: --index DIR, or another collection: --collection NAME."
    if pipeline is None:
        return f"U{elsewhere[1:]}"
    where = ["--index", str(folder)] if folder else ["--into", "COLLECTION"]
    repool = shlex.join(["vrag", "repool", "--pipeline", pipeline, *where])
    return f"Pool its pages anew, without embedding them again: {repool}; or {elsewhere}"


def _say_what_the_model_does(name: str) -> None:
    if name == "builtin":
        output.note(
            "The built-in model reads the words of a page, in English; it does not see pictures. "
            "To search what pages look like, use a ColPali-style model (see: vrag models); "
            "for other languages: --language german, ..., or multilingual."
        )


def _say_languages(report: IngestReport, lane: Bm25Lane | None) -> None:
    """That many pages are in another language than the index."""
    from vrag.cascade.bm25 import MULTILINGUAL

    if lane is None or lane.language == MULTILINGUAL:
        return
    others = Counter({name: count for name, count in report.languages.items() if name != lane.language})
    if _MANY * others.total() >= report.added > 0:
        name, count = others.most_common(1)[0]
        output.note(
            f"{counted(count, 'page')} of {report.added} added seem to be {name.capitalize()}; this index is made for "
            f"{lane.language.capitalize()}. One for all: vrag ingest FILES --index DIR --language multilingual"
        )


def _print_timing(report: Any) -> None:
    """Seconds of work by stage and process, and what the main thread waited; work in parallel adds up to more."""
    from vrag.runtime.timing import IN_MAIN, IN_WORKERS, IN_WRITER, bound

    if not report.timing:
        output.line("Nothing was read or written, so there is no time to tell apart.")
        return
    places = {"in worker processes": IN_WORKERS, "in the main thread": IN_MAIN, "in the writer": IN_WRITER}
    output.line(f"{'where the time went':22s}{'':20s}{'seconds':>9s}  of {report.seconds:.2f} s")
    for place, stages in places.items():
        for stage in stages:
            if stage in report.timing:
                seconds = report.timing[stage]
                share = seconds / max(report.seconds, 1e-9)
                output.line(f"{stage:22s}{place:20s}{seconds:9.2f}{share:9.0%}")
    output.line(f"bound by: {bound(report.timing, report.workers, os.cpu_count() or 1)}")


def _print_report(report: Any) -> None:
    for failure in report.failed[:_SHOWN_FAILURES]:
        place = failure.path if failure.page is None else f"{failure.path}, page {failure.page}"
        output.note(f"Failed: {place}: {failure.reason} {failure.hint}".rstrip())
    if len(report.failed) > _SHOWN_FAILURES:
        output.note(f"... and {len(report.failed) - _SHOWN_FAILURES} more failures; vrag status --failed lists all.")
    speed = f", {report.added / report.seconds:.1f} pages/s" if report.added and report.seconds else ""
    copies = f" ({report.copies} more of the same content)" if report.copies else ""
    log = logs.written()
    if log is not None:
        output.note(f"Traces are in {log}; --verbose shows them.")
    if report.removed:
        output.line(f"{counted(report.removed, 'document')} removed, their files are gone.")
    output.line(
        f"{counted(report.documents, 'document')}{copies}, {counted(report.pages, 'page')} in {report.index}: "
        f"{report.added} added, {report.unchanged} unchanged ({report.seconds:.1f} s{speed})"
    )
