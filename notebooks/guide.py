# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The handy guide
#
# From a sound file to a model of your own, in seven steps: what a network sees, what its layers make of it, what the
# shipped model hears in a track and why it names three styles, and then how to train a network, teach a model your
# own styles, and find out how good they are.
#
# All music in here comes from earmark's own synthesizer, so you can run every cell: `pip install 'earmark[train]'`.
# It also means that the figures below say how the *tools* work, not how well real music is heard; for that see the
# cards of the models.

# %%
# %config InlineBackend.figure_formats = ["jpeg"]
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

import earmark
from earmark import Model, decode
from earmark.styles import styles

EXAMPLES = Path("examples") if Path("examples").is_dir() else Path("../examples")
WORK = Path(tempfile.mkdtemp(prefix="earmark-guide-"))
COLOURS = {style.label: style.colour for style in styles()}
earmark.__version__

# %% [markdown]
# ## 1. What a mel spectrogram shows
#
# A network does not look at the waveform but at its *mel spectrogram*: time runs to the right, pitch upwards, in
# bands that are spaced as we hear, and bright is loud. `MelSpectrogram` is the front end of the 2018 network,
# computed by the network itself as its first layer.

# %%
from earmark.learning.networks.frontend import MelSpectrogram

RATE = 12_000
front_end = MelSpectrogram(RATE, n_fft=1024, n_mels=96)


def spectrogram(waveform: np.ndarray) -> np.ndarray:
    """Decibels below the loudest, (96, frames)."""
    return front_end(torch.from_numpy(waveform)[None])[0, 0].numpy()


def show(axes: plt.Axes, picture: np.ndarray, seconds: float, title: str) -> None:
    axes.imshow(picture, origin="lower", aspect="auto", extent=(0, seconds, 0, len(picture)), cmap="magma")
    axes.set(title=title, xlabel="seconds", ylabel="mel band")


chosen = ["01-ambient", "04-drum-and-bass", "07-trance", "11-techno"]
figure, grid = plt.subplots(2, 2, figsize=(11, 6), layout="constrained")
for axes, name in zip(grid.flat, chosen, strict=True):
    waveform = decode(EXAMPLES / f"{name}.opus", RATE, start=20, duration=8)
    show(axes, spectrogram(waveform), 8, name)

# %% [markdown]
# A kick drum is a bright foot at the bottom, a hi-hat a thin line through the top. Techno is a regular fence of both.
# Drum & bass has more fence posts in the same time, and the snare, a wide bright column, does not stand on each of
# them. Ambient has no fence at all: chords are horizontal lines. In trance they are cut into short notes. A network
# that tells styles apart learns to see just such things.

# %% [markdown]
# ## 2. A network, layer by layer
#
# `emusic` is the convolutional network of 2018: four blocks of convolution, batch normalisation, ELU and max pooling.
# Each block sees a wider stretch of music in less detail; the last one is a single column of 512 numbers for 29
# seconds, and a linear layer turns that into a number for each style.

# %%
from earmark.learning.networks import ARCHITECTURES

torch.manual_seed(0)
emusic = ARCHITECTURES["emusic"](12).eval()
waveform = torch.from_numpy(decode(EXAMPLES / "04-drum-and-bass.opus", RATE, duration=29.12))[None]
hidden = emusic.front_end(waveform)
print(f"{'waveform':14} {tuple(waveform.shape[1:])}")
print(f"{'spectrogram':14} {tuple(hidden.shape[1:])}")
pictures = [hidden[0, 0]]
hidden = emusic.body.norm(hidden)
for number, block in enumerate(emusic.body.blocks):
    hidden = block(hidden)
    pictures.append(hidden[0, 0].detach())
    count = sum(each.numel() for each in block.parameters())
    print(f"{'block ' + str(number):14} {tuple(hidden.shape[1:])!s:14} {count:8,} parameters")
print(f"{'logits':14} {tuple(emusic.body.dense(hidden.flatten(1)).shape[1:])}")

figure, grid = plt.subplots(1, 4, figsize=(11, 2.6), layout="constrained", width_ratios=[4, 3, 2, 1])
for axes, picture, title in zip(grid, pictures, ["spectrogram", "block 0", "block 1", "block 2"], strict=False):
    axes.imshow(picture, origin="lower", aspect="auto", cmap="magma")
    axes.set(title=title, xticks=[], yticks=[])

# %% [markdown]
# These weights are random: the pictures are blurred copies of the spectrogram. Training (step 5) makes one filter
# look for kicks, another for held chords.

# %% [markdown]
# ## 3. Hear a track, window by window
#
# `house12` is the model that comes with earmark. It hears a track in windows and gives each window a probability for
# each of twelve styles. Here is a little mix of three of the examples, cut every ten seconds.

# %%
house12 = Model.open("house12")
rate = house12.config.sample_rate
names = ["01-ambient", "11-techno", "04-drum-and-bass"]
mix = np.concatenate([decode(EXAMPLES / f"{name}.opus", rate, duration=30) for name in names])
pieces = [(start, mix[int(start * rate) : int((start + 10) * rate)]) for start in range(0, 81, 5)]
timeline = house12.hear_windows(pieces).timeline

figure, (above, below) = plt.subplots(2, 1, figsize=(11, 6), layout="constrained", sharex=True)
low = np.concatenate([decode(EXAMPLES / f"{name}.opus", RATE, duration=30) for name in names])
show(above, spectrogram(low), 90, "what is heard")
middle = timeline.starts + timeline.window / 2
order = [timeline.styles.index(style) for style, _ in timeline.top(12)]
below.stackplot(
    middle,
    timeline.probabilities[:, order].T,
    labels=[timeline.styles[index] for index in order],
    colors=[COLOURS[timeline.styles[index]] for index in order],
)
below.set(title="what is said", xlabel="seconds", ylabel="probability", ylim=(0, 1))
below.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
for segment in timeline.segments():
    print(f"{segment.start:5.1f}–{segment.end:5.1f} s  {segment.style}  {segment.probability:.2f}")

# %% [markdown]
# The borders are soft, because a window of ten seconds that lies across one hears both sides. And the drum & bass track
# begins without drums: its first seconds are heard as ambient, and who would not.

# %% [markdown]
# ## 4. The top three, and why three
#
# A track's answer is the mean over its windows, and earmark names three styles. Whoever labels music has to pick one
# style for a track that stands between two, and the next person picks the other. `house12` was measured on 2,100
# tracks of a shop's charts; the shop's own label is the first answer for about seven in ten and among the first three
# for more than nine in ten.

# %%
for rank, figures in zip((1, 2, 3), house12.config.measures["protocols"][0]["micro"], strict=True):
    value, low_end, high_end = figures
    print(f"among the first {rank}: {value:.1%}  (95 % interval {low_end:.1%} to {high_end:.1%})")

whole = house12.hear(decode(EXAMPLES / "10-progressive-house.opus", rate)).timeline
whole.top(3), whole.families()[:2]

# %% [markdown]
# The family says more surely what the style leaves open: all five house styles count towards House. And if the
# strongest style is below a threshold, the answer is "unlike anything I know": `Listener` says so of a test tone.

# %%
from earmark import Listener
from earmark.testing import tone, write_wav

write_wav(WORK / "tone.wav", tone(440, 30.0, sample_rate=rate), rate)
heard = Listener(house12)(WORK / "tone.wav")
heard.unknown, heard.timeline.top(1)

# %% [markdown]
# ## 5. Train a network
#
# Training needs labelled tracks. A *manifest* lists them: path, style, artist, split. The split is by artist, because
# a network that knows an artist's studio would otherwise seem to know the style. Here the synthesizer renders 80
# short tracks of four styles by twenty made-up artists each.

# %%
from earmark.learning.data import manifest as manifests
from earmark.synth.corpus import render_corpus

FOUR = ["Ambient / Electronic", "Drum & Bass", "Techno / Tech House", "Trance"]
for _ in render_corpus(WORK / "corpus", 20, seed=1, workers=2, seconds=6, artists=20, suffix=".wav", styles=FOUR):
    pass
tracks = manifests.read(WORK / "corpus" / "manifest.csv")
{split: len(tracks.part(split).entries) for split in ("train", "valid", "test")}, tracks.entries[0].artist

# %% [markdown]
# `train` is one loop that can be read from top to bottom (`earmark/learning/training/loop.py`). `temporal` is the
# smallest of the architectures in time: it hears three seconds. On the command line this is `earmark train
# manifest.csv OUT --architecture temporal`.

# %%
from earmark.learning import Machine, TrainConfig, train

recipe = TrainConfig(
    name="four", architecture="temporal", epochs=12, batch_size=12, learning_rate=5e-4, windows=2, patience=12
)
report = train(tracks, recipe, WORK / "four", machine=Machine(accelerator="cpu"))
score = report.score
for rank, share in zip((1, 2, 3), score.micro, strict=True):
    print(f"P@{rank} on {score.tracks} test tracks: {share.value:.2f} ({share.low:.2f}–{share.high:.2f})")

# %%
plt.figure(figsize=(11, 4.4))
plt.imshow(plt.imread(WORK / "four.training" / "curves.png"))
plt.axis("off")
# %% [markdown]
# So few test tracks say little, and the interval shows it. What comes out is a model like any other: it has a card,
# and everything that earmark can do with `house12` it can do with this one. Whether it is right about a track of
# another collection is another matter: sixty-odd tracks are few to learn from.

# %%
print((WORK / "four" / "README.md").read_text(encoding="utf-8")[:700])
Model.open(WORK / "four").hear(decode(EXAMPLES / "11-techno.opus", 22_050)).timeline.top(2)

# %% [markdown]
# ## 6. Teach a style of your own
#
# To learn styles from a few dozen tracks, no network need be trained: `house12` stays as it is, and a small head
# learns to tell your crates apart by its *embeddings* (Choi et al. 2017). Say you sort by the time of the night. To
# see whether mistakes are found, one techno track goes into the wrong crate.

# %%
from dataclasses import replace

from earmark.learning import teaching
from earmark.learning.data.embeddings import embed

CRATES = {"Ambient / Electronic": "Sunrise", "Techno / Tech House": "Peak time", "Trance": "Peak time"}
mine = [replace(entry, labels=(CRATES[entry.labels[0]],)) for entry in tracks.entries if entry.labels[0] in CRATES]
wrong = next(index for index, entry in enumerate(mine) if entry.path.parent.name.startswith("techno"))
mine[wrong] = replace(mine[wrong], labels=("Sunrise",))

crates = manifests.labelled("styles", mine)
embedded = list(embed([entry.path for entry in mine], house12.folder, WORK / "cache", workers=2))
findings = teaching.study(teaching.prepare(crates, embedded))
teaching.write(findings, house12.folder, WORK / "night", WORK / "night-report")

chosen, found = findings.best.candidate, findings.accuracy
print(f"best head: {chosen.kind} {chosen.settings}")
share = found.micro
print(f"right for artists it never heard: {share.value:.2f} ({share.low:.2f}–{share.high:.2f}), n = {found.tracks}")
print(f"in the wrong crate: {mine[wrong].path.name}")
for suspect in findings.label_issues[:3]:
    print(f"looks doubtful:     {suspect.entry.path.name}, {suspect.entry.labels[0]}, looks like {suspect.looks_like}")

# %% [markdown]
# On the command line: `earmark teach CRATES OUT`, with a folder for each of your styles. The new model is used like
# any other:

# %%
for name in ("01-ambient", "11-techno", "07-trance"):
    print(name, Model.open(WORK / "night").hear(decode(EXAMPLES / f"{name}.opus", rate)).timeline.top(1))

# %% [markdown]
# ## 7. Evaluate
#
# How good is the network of step 5, and is it better than `house12` on the same tracks? `earmark evaluate` hears the
# test tracks, measures, compares, and writes a report (`report.html` is one file that can be sent around).

# %%
import os
import subprocess
import sys

command = ["evaluate", "four", "corpus/manifest.csv", "--against", "house12", "--out", "report"]
plain = {name: value for name, value in os.environ.items() if "COLOR" not in name}
done = subprocess.run(
    [sys.executable, "-m", "earmark", *command], capture_output=True, text=True, check=True, env=plain, cwd=WORK
)
print(done.stdout)

# %%
from IPython.display import Image, display

for picture in sorted((WORK / "report").glob("confusion*.png"))[:1]:
    display(Image(picture))

# %% [markdown]
# Read the intervals before the figures: with a dozen test tracks almost nothing is certain. And remember what these
# tracks are: the synthesizer's. A network that is trained on synthetic music alone hears real music badly, which is
# why `house12` was made from measurements of real tracks. Your own labelled music is the best teacher there is.

# %%
import shutil

shutil.rmtree(WORK)
