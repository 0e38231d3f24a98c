"""Pipelines: tables (TOML) that say how pages become named vectors and how they are searched."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vrag.bits.codes import Codes
from vrag.cascade.bm25 import TEXT, Bm25Lane
from vrag.cascade.cascade import Cascade, Stage
from vrag.cascade.regions import RegionRule
from vrag.cascade.text import parse_cascade
from vrag.embedders.families import model_mean
from vrag.embedders.hub_files import canonical_name
from vrag.errors import UsageError
from vrag.grid import FloatArray
from vrag.pages.page import PageSpec
from vrag.pipeline.differences import Difference, differences
from vrag.pipeline.grammar import (
    BITS,
    CONTEXT_PARTS,
    LANE,
    PIPELINE,
    REGIONS,
    SEARCH,
    Key,
    checked,
    checked_table,
    page_settings,
    server_layout,
)
from vrag.pipeline.named_vectors import CONTEXT as CONTEXT
from vrag.pipeline.named_vectors import FULL as FULL
from vrag.pipeline.named_vectors import VectorSpec, parse_vector
from vrag.pooling.poolings import pooled_dim
from vrag.runtime.parsing import MalformedError, parse_toml, read_text, reason_of
from vrag.settings import data_dir
from vrag.store.interface import AnyVector, VectorField
from vrag.store.layout import ServerLayout

HEAD_ROWS = 20  # of a page: running titles and captions count for every region of it
DEFAULT_PIPELINE = "builtin"


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A validated pipeline; `source` is the table it was read from, as it is kept in the index."""

    name: str
    description: str
    model: str
    page: Mapping[str, Any]
    vectors: tuple[VectorSpec, ...]
    text: Bm25Lane | None
    regions: RegionRule
    context: tuple[str, ...]
    bits: Mapping[str, int]
    keeps_bits_alone: bool  # of `full`
    cascades: Mapping[str, str]
    default_cascade: str
    server: ServerLayout
    source: Mapping[str, Any]

    @property
    def vector_names(self) -> tuple[str, ...]:
        """`full`, the pooled vectors, and `text` where the pipeline has a text lane."""
        return (FULL, *(spec.name for spec in self.vectors), *([TEXT] if self.text else []))

    def page_spec(self, wanted: PageSpec) -> PageSpec:
        """What the embedder and the text lane want, with this pipeline's page settings."""
        return dataclasses.replace(wanted, **{**self.page, "words": wanted.words or self.text is not None})

    def schema(self, dim: int) -> list[VectorField]:
        """Named vectors of the store for a model of dimension `dim`."""
        pooled = [
            VectorField(s.name, "single" if s.single else "multi", pooled_dim(s.pooling, s.options, dim), hnsw=s.single)
            for s in self.vectors
        ]
        more = [VectorField(TEXT, "sparse")] if self.text else []
        more += [VectorField(CONTEXT, "multi", dim)] if self.has_context else []
        return [VectorField(FULL, "multi", dim, packing=self._codes(dim)), *pooled, *more]

    def as_kept(self, full: FloatArray) -> FloatArray:
        """A page's multivector, float32 [n, d], as it will be read again: rounded where its bits alone are kept."""
        codes = self._codes(full.shape[1])
        return codes.rounded(full) if codes else full

    def _codes(self, dim: int) -> Codes | None:
        return Codes.around(model_mean(self.model), dim, self.bits.get(FULL, 1)) if self.keeps_bits_alone else None

    @property
    def has_context(self) -> bool:
        """Whether documents have a context of their own; a page's head needs none."""
        return bool(set(self.context) - {"head"})

    @property
    def head_rows(self) -> int:
        """First rows of a page that count in every region, where the pipeline wants them."""
        return HEAD_ROWS if "head" in self.context else 0

    def cascade(self, text: str | None) -> Cascade:
        """The cascade named or written in `text`; None takes the pipeline's default.

        Raises:
            UsageError: It is no cascade, or asks for a context that the pipeline does not keep.
        """
        cascade = parse_cascade(self.default_cascade if text is None else text, self.cascades, self.vector_names)
        if any(stage.context for stage in cascade.stages) and not self.context:
            raise UsageError(
                f"{cascade}: this index keeps no context of documents.",
                'Ingest with a pipeline that has context = ["name", "title", "opening"].',
            )
        return self._by_bits(cascade) if self.keeps_bits_alone else cascade

    def _by_bits(self, cascade: Cascade) -> Cascade:
        """The cascade with `full` scored by its bits, which is all that is kept of it."""
        if any(addition.vector == FULL for stage in cascade.stages for addition in stage.additions):
            raise UsageError(
                f"{cascade}: this index keeps bits alone of {FULL!r}, whose score cannot be blended in.",
                f"Let {FULL} be a stage of its own.",
            )
        return cascade.with_stages(
            lambda stage: dataclasses.replace(stage, bits=True) if stage.vector == FULL else stage
        )

    def spec(self, vector: str) -> VectorSpec:
        """How the named vector is made; `full` is the multivector itself."""
        return next((s for s in self.vectors if s.name == vector), VectorSpec(FULL, "full"))

    def query_form(self, stage: Stage, text: str, rows: FloatArray, model_mean: FloatArray | None) -> AnyVector:
        """What scores the stage's vector: terms for `text`, else the query's rows float32 [m, d] or their mean."""
        if stage.vector == TEXT and self.text:
            return self.text.query(text)
        return self.spec(stage.vector).of_query(rows, model_mean, stage.mean)

    def with_page(self, **settings: Any) -> Pipeline:
        """This pipeline with other page settings; None leaves a setting as it is."""
        chosen = {key: value for key, value in settings.items() if value is not None}
        page = {**self.source.get("page", {}), **chosen}
        return make_pipeline(self.name, {**self.source, "page": page}, self.name)

    def with_model(self, model: str | None) -> Pipeline:
        """This pipeline with another model."""
        return make_pipeline(self.name, {**self.source, "model": model or self.model}, self.name)

    def with_language(self, language: str) -> Pipeline:
        """This pipeline for words of another language.

        Raises:
            UsageError: It keeps no words.
        """
        if self.text is None:
            raise UsageError(
                f"The pipeline {self.name} keeps no words, so it has no language.", "Leave --language out: models see."
            )
        return make_pipeline(self.name, {**self.source, "text": {"language": language}}, self.name)

    def over(self, made: Pipeline) -> Pipeline:
        """This pipeline with the model and the page settings of another one where it names none of its own."""
        page = {**made.source.get("page", {}), **self.source.get("page", {})}
        model = canonical_name(self.source.get("model", made.model))  # as indexes remember it
        table = {**self.source, "model": model, **({"page": page} if page else {})}
        return make_pipeline(self.name, table, self.name)

    def differences(self, asked: Pipeline, model: PageSpec | None = None) -> list[Difference]:
        """What this pipeline, which pages were made with, and another one say differently; the dearest come first.

        Args:
            asked: The other one; `over` this one when what it does not name is to stay.
            model: What the model chooses where a pipeline has no page setting; None when it is not at hand.
        """
        return list(differences(self, asked, model))


def list_pipelines() -> Iterator[Pipeline]:
    """The pipelines shipped with vrag, by name."""
    return map(_read, _shipped())


def load_pipeline(name: str | None = None) -> Pipeline:
    """A shipped pipeline by name, or a TOML file by path.

    Raises:
        UsageError: No such pipeline, or the file is not a valid one (file, key and what is allowed are named).
    """
    return _read(pipeline_file(name or DEFAULT_PIPELINE))


def pipeline_file(name: str) -> Path:
    """The TOML file of a pipeline: a shipped one by name, or any by path.

    Raises:
        UsageError: There is no such file.
    """
    shipped = data_dir("pipelines") / f"{name}.toml"
    file = shipped if shipped.is_file() else Path(name)
    if file.suffix != ".toml" or not file.is_file():
        known = ", ".join(file.stem for file in _shipped())
        raise UsageError(f"No pipeline {name!r}.", f"Use one of: {known}; or the path of a .toml file.")
    return file


def make_pipeline(name: str, table: Mapping[str, Any], where: str) -> Pipeline:
    """A pipeline from its table.

    Args:
        name: What it is called.
        table: As parsed from TOML.
        where: File named in error messages.
    """
    checked_table(table, PIPELINE, where)
    vectors = tuple(parse_vector(key, value, where) for key, value in table.get("vectors", {}).items())
    named = table.get("cascades", {})
    cascades = {"exact": FULL, **checked_table(named, dict.fromkeys(named, Key(str)), where, "cascades.")}
    default = checked_table(table.get("search", {}), SEARCH, where, "search.").get("cascade", "exact")
    bits = checked_table(table.get("bits", {}), BITS, where, "bits.")
    pipeline = Pipeline(
        name=name,
        description=table.get("description", ""),
        model=table.get("model", "builtin"),
        page=page_settings(table.get("page", {}), where),
        vectors=vectors,
        text=Bm25Lane(**checked_table(table["text"], LANE, where, "text.")) if "text" in table else None,
        regions=_regions(table.get("regions", {}), where),
        context=_context(table.get("context", []), where),
        keeps_bits_alone=bits.pop("alone", False),
        bits=bits,
        cascades=cascades,
        default_cascade=default,
        server=server_layout(table.get("server", {}), where),
        source=dict(table),
    )
    for text in (*cascades, default):
        try:
            pipeline.cascade(text)
        except UsageError as error:
            raise UsageError(f"{where}: {error.message}", error.hint) from error
    return pipeline


def _shipped() -> list[Path]:
    return sorted(data_dir("pipelines").glob("*.toml"))


def _read(file: Path) -> Pipeline:
    try:
        table = parse_toml(read_text(file))
    except (OSError, MalformedError) as error:
        raise UsageError(f"{file}: not a readable TOML file: {reason_of(error)}.") from error
    return make_pipeline(file.stem, table, str(file))


def _regions(table: Any, where: str) -> RegionRule:
    rule = RegionRule(**checked_table(table, REGIONS, where, "regions."))
    if rule.stride > rule.window:
        raise UsageError(f"{where}: regions.stride = {rule.stride} must be at most the window, {rule.window}.")
    return rule


def _context(parts: Any, where: str) -> tuple[str, ...]:
    for part in checked(parts, Key(list), f"{where}: context"):
        checked(part, Key(str, CONTEXT_PARTS), f"{where}: context")
    return tuple(parts)
