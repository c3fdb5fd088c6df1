"""The card of a pool: the ear's part, then the card of the descriptors as it is."""

from collections.abc import Mapping

from earmark.hearing.bundle import Config

TEXT = """# {name}

{summary}.

Waveform in (mono, {sample_rate} Hz, windows of {window} s), {styles} styles out. Two networks are asked together, in a
log-opinion pool inside one ONNX file: *descriptors*, trained on measurements of real shop tracks (their own card is the
second part of this one), and the *ear*, convolutions that learned to say what networks say that have heard millions of
real recordings. MIT licence.

    log P(style) = log P(style | descriptors) + {weight:g} x log (what the ear hears of it + 0.02)

## The ear

It has never heard real music itself, and no label of a person. {attribution}.

Pearson's correlation of its scores with its teacher's, over patches of 0.96 s; a class whose scores the teacher hardly
varied on that sound is left out:

| class | {kinds} |
|---|{rule}
{rows}

Which of its classes speak for which style, and how much, is a table written by hand:

| style | classes |
|---|---|
{table}

Classes that cover several styles of a family speak for each of them alike, so both networks choose the family, and the
descriptors the style within it. The weight is equal: **there is no labelled real audio to choose a weight by, and none
was pretended.** For the same reason no figure below is for the pool: rows of descriptors cannot be heard by an ear, and
where it says nothing the pool answers as the descriptors do. What is known of the pool is how steady it is
(`earmark evaluate --audio`, docs/evaluate.md).

## When it says "unlike anything I know"

The answer is flattened by the share of music in what the ear hears (against speech, silence, tones and noise), and
where the two networks contradict each other more than an ear that says nothing would. The threshold is the
descriptors'.

## The descriptors' own card

{descriptors}"""


def write(config: Config, table: Mapping[str, Mapping[str, float]], descriptors: str) -> str:
    """The card, in Markdown; `table` is the recipe's, `descriptors` the card of the other member."""
    measured = config.measures["ear"]
    classes = list(next(iter(measured.values()))["correlations"])
    rows = [(name, [each["correlations"][name] for each in measured.values()]) for name in classes]
    rows += [
        ("**mean of these**", [each["mean"] for each in measured.values()]),
        ("same strongest class", [each["agreement"] for each in measured.values()]),
    ]
    return TEXT.format(
        name=config.name,
        summary=config.provenance["summary"],
        sample_rate=config.sample_rate,
        window=config.window,
        styles=len(config.styles),
        weight=config.settings["weight"],
        attribution=config.provenance["ear"],
        kinds=" | ".join(f"{kind} ({each['patches']} patches)" for kind, each in measured.items()),
        rule="---|" * len(measured),
        rows="\n".join(f"| {name} | {' | '.join(map(_figure, values))} |" for name, values in rows),
        table="\n".join(
            f"| {style} | {', '.join(f'{name} {share:g}' for name, share in speakers.items())} |"
            for style, speakers in table.items()
        ),
        descriptors=descriptors.replace("\n#", "\n##").partition("\n")[2].strip() + "\n",
    )


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
