"""The cards of models that were added: whose they are, how faithful they are, what is unknown."""

from earmark.hearing.bundle import Config
from earmark.learning.downloads import Source

ORIGIN = """## Where it comes from

- `{file}` of {project};
  licence {licence}; SHA-256 `{sha256}`.
- The network was trained by Google on AudioSet, two million clips of ten seconds from real recordings that people
  labelled by ear. The names of the tags are those of AudioSet.
- Papers: S. Hershey et al., "CNN architectures for large-scale audio classification", ICASSP 2017; A. Howard et al.,
  "MobileNets", 2017; J. Gemmeke et al., "Audio Set", ICASSP 2017.

The file is a network with 8-bit weights and activations, for sound at 16 kHz. Here the weights are real numbers again,
the activations are not rounded, and the spectra are taken at {sample_rate} Hz, at the same frequencies, without
resampling.

## How faithful it is

On 683 patches of 25 real recordings (house loops and tracker music) the scores of all 521 classes agree with those of
the 8-bit network in TensorFlow Lite: correlation 0.9993, mean difference 0.0003, largest difference 0.13, where the
8-bit logits themselves move in steps of 0.31. On the same recordings the spectra at {sample_rate} Hz change no score by
more than 0.0011.

"""

TAGS = """# {name}

{summary}.

Waveform in (mono, {sample_rate} Hz, windows of {window:g} s), {tags} tags out, each with a probability of its own:
several may be heard at once. The embedding has 1024 values. Architecture `{architecture}`: log-mel patches of 0.96 s,
one after the other, a MobileNet of 3.7 million parameters, the mean over the patches.

{origin}## What to know before trusting it

- Nobody measured here how often its tags are right.
- Its probabilities are low for kinds of electronic music even where they are right: a drum & bass track of our examples
  gets Music 0.85 and Drum and bass 0.08. Compare a tag with itself on other tracks rather than with other tags.
- Of its 521 classes only those that say something about music are named; the embedding holds more.
"""

POOL = """# {name}

{summary}.

The model `{base}`, whose card is the second part of this one, with another ear: in place of its own, which learned from
YAMNet and never heard a real recording, YAMNet itself listens. Whatever that card says of the ear holds for the other
one; the table of which classes speak for which style, the weight of the ear, the temperature and the threshold are the
same. Waveform in (mono, {sample_rate} Hz, windows of {window:g} s), {styles} styles out.

{origin}## What to know before trusting it

- Nobody measured here whether it names the styles of real recordings better than `{base}`: there is no labelled real
  audio to measure it on.
- It listens to all of a window, patch after patch, and costs more than `{base}`.

## The card of `{base}`

{card}"""


def of_tags(config: Config, source: Source) -> str:
    """The card of YAMNet alone, in Markdown."""
    return TAGS.format(
        name=config.name,
        summary=_sentence(config),
        sample_rate=config.sample_rate,
        window=config.window,
        tags=len(config.styles),
        architecture=config.architecture,
        origin=_origin(config, source),
    )


def of_pool(config: Config, source: Source, base: str, card: str) -> str:
    """The card of the pool `base`, whose own is `card`, with YAMNet for an ear."""
    return POOL.format(
        name=config.name,
        summary=_sentence(config),
        base=base,
        sample_rate=config.sample_rate,
        window=config.window,
        styles=len(config.styles),
        origin=_origin(config, source),
        card=card.partition("\n")[2].strip().replace("\n#", "\n##") + "\n",
    )


def _origin(config: Config, source: Source) -> str:
    return ORIGIN.format(
        file=source.file,
        project=source.project,
        licence=source.licence,
        sha256=source.sha256,
        sample_rate=config.sample_rate,
    )


def _sentence(config: Config) -> str:
    summary: str = config.provenance["summary"]
    return summary[:1].upper() + summary[1:]
