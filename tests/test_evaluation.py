"""The report: golden figures from arrays, which tracks are asked about, and what was said about each."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from earmark.errors import ManifestError, UnreadableAudio
from earmark.hearing import Listener, Model
from earmark.hearing.bundle import Config, read_config
from earmark.learning.data.manifest import LearningTask, Manifest, ManifestEntry
from earmark.learning.evaluation import styles, tags, values
from earmark.learning.evaluation.predictions import Prediction, Predictions, collect, in_common, open_predictor, shown
from earmark.learning.evaluation.results import Evaluation, Speed, evaluate
from earmark.learning.evaluation.selection import Selection, select
from earmark.measures.scores import precision
from earmark.measures.uncertainty import Figure
from earmark.testing import write_wav
from earmark.testing.bundles import tiny_bundle

GOLDEN = Path(__file__).parent / "golden"
FAMILIES = {"A": "First", "B": "First", "C": "Second", "D": "Second", "E": "Third", "F": "Third"}


@pytest.fixture(scope="module")
def known() -> dict[str, Any]:
    """Return what scikit-learn and SciPy found in the golden arrays."""
    found: dict[str, Any] = json.loads((GOLDEN / "evaluation.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    """Return the golden arrays."""
    with np.load(GOLDEN / "evaluation.npz", allow_pickle=False) as stored:
        return dict(stored)


@pytest.fixture(scope="module")
def config(tiny: Path) -> Config:
    """Return the config of a model of six styles in three families."""
    return replace(read_config(tiny), name="six", styles=list(FAMILIES), families=FAMILIES)


def manifest_of(
    arrays: dict[str, np.ndarray], task: LearningTask, classes: tuple[str, ...], *columns: list[Any]
) -> Manifest:
    """Make a manifest of the golden tracks from a list for each of `labels` and `values` that it needs."""
    artists = [f"Artist {number}" for number in arrays["artists"]]
    paths = [Path(f"/music/{number:03}.wav") for number in range(len(artists))]
    named = {"styles": "labels", "tags": "labels", "values": "values"}[task]
    rows = zip(paths, artists, *columns, strict=True)
    return Manifest(
        task,
        classes,
        tuple(ManifestEntry(path, artist=artist, split="test", **{named: tuple(row)}) for path, artist, row in rows),  # type: ignore[arg-type]
    )


def answers_of(windows: np.ndarray, counts: np.ndarray) -> tuple[Prediction, ...]:
    return tuple(Prediction(part, 10.0 * len(part), 0.1) for part in np.split(windows, np.cumsum(counts)[:-1]))


@pytest.fixture(scope="module")
def predictions(arrays: dict[str, np.ndarray], config: Config) -> Predictions:
    """Return what the first model said."""
    manifest = manifest_of(arrays, "styles", tuple("ABCDE"), [["ABCDE"[label]] for label in arrays["labels"]])
    return Predictions(config, Path("/music/list.csv"), manifest, answers_of(arrays["windows"], arrays["counts"]), ())


@pytest.fixture(scope="module")
def other(arrays: dict[str, np.ndarray], predictions: Predictions) -> Predictions:
    """Return what the second model said, which has its styles in another order."""
    order = [3, 0, 5, 1, 4, 2]
    config = replace(predictions.config, name="other", styles=["ABCDEF"[style] for style in order])
    return replace(predictions, config=config, predicted=answers_of(arrays["other"][:, order], arrays["counts"]))


@pytest.fixture(scope="module")
def figures(predictions: Predictions) -> styles.StyleFigures:
    """Return what is measured of the first model."""
    return styles.measure(predictions)


def evaluated(predictions: Predictions, other: Predictions | None = None) -> Evaluation:
    """Evaluate predictions of all tracks that were selected."""
    speed = Speed(audio=3000.0, wall=20.0, cpu=30.0, workers=2)
    return evaluate("test", Selection(predictions.manifest, (), 0, ()), speed, predictions, other)


# Golden figures


def test_precision_of_tracks_families_and_windows_is_the_golden_one(
    figures: styles.StyleFigures, known: dict[str, Any], arrays: dict[str, np.ndarray]
) -> None:
    found = {(row.asked, row.average): row for row in figures.precisions}
    for asked, golden in known["styles"]["precision"].items():
        assert [figure.value for figure in found[asked, "micro"].at] == pytest.approx(golden)
        assert found[asked, "macro"].at[0].value == pytest.approx(known["styles"]["macro"][asked])
    windows = int(arrays["counts"].sum())
    assert [(row.count, row.classes) for row in figures.precisions[::2]] == [(120, 5), (120, 3), (windows, 5)]


def test_each_style_and_each_family_has_the_golden_figures(figures: styles.StyleFigures, known: dict[str, Any]) -> None:
    golden = known["styles"]
    assert [row.name for row in figures.by_style] == list("ABCDE")  # nobody has tracks of F
    assert [[figure.value for figure in row.at] for row in figures.by_style] == [
        pytest.approx(row) for row in golden["by_style"]
    ]
    assert [row.rightly for row in figures.by_style] == pytest.approx(golden["rightly"])
    assert [row.right.value for row in figures.by_family] == pytest.approx(golden["by_family"])
    assert sum(row.tracks for row in figures.by_family) == 120


def test_the_confusion_matrix_is_the_golden_one(figures: styles.StyleFigures, known: dict[str, Any]) -> None:
    matrix = np.array(known["styles"]["confusion"])
    assert figures.confusion.tolist() == matrix.tolist()
    np.fill_diagonal(matrix, 0)
    assert [pair.tracks for pair in figures.confused] == sorted(matrix.ravel().tolist(), reverse=True)[:10]
    first = figures.confused[0]
    assert matrix["ABCDEF".index(first.style), "ABCDEF".index(first.answer)] == first.tracks == matrix.max()


def test_calibration_is_the_golden_one(figures: styles.StyleFigures, known: dict[str, Any]) -> None:
    golden = known["styles"]
    full = figures.reliability.count > 0
    assert figures.calibration_error == pytest.approx(golden["calibration_error"])
    for name, column in golden["bins"].items():
        assert getattr(figures.reliability, name)[full] == pytest.approx(column)


def test_silence_below_the_models_threshold_is_the_golden_one(
    figures: styles.StyleFigures, known: dict[str, Any]
) -> None:
    own = figures.silence[0]
    assert own.threshold == 0.5
    assert own.coverage == pytest.approx(known["styles"]["coverage"])
    assert own.right.value == pytest.approx(known["styles"]["right_of_answered"])


def test_the_curve_goes_from_all_tracks_to_the_surest(figures: styles.StyleFigures) -> None:
    thresholds, covered, right = figures.curve
    assert (thresholds[0], covered[0], right[0]) == (0, 1, figures.precisions[0].at[0].value)
    assert (np.diff(thresholds) > 0).all()
    assert covered[-1] == pytest.approx(1 / 120)
    assert [round(120 * row.coverage) for row in figures.silence[1:]] == [120, 108, 90, 60, 30]
    for row in figures.silence[1:]:  # the table stands on the curve
        place = np.flatnonzero(np.isclose(thresholds, row.threshold))
        assert (covered[place[0]], right[place[0]]) == pytest.approx((row.coverage, row.right.value))


def test_intervals_are_those_of_a_bootstrap_over_artists(
    figures: styles.StyleFigures, known: dict[str, Any], predictions: Predictions, other: Predictions
) -> None:
    golden = known["styles"]["intervals"]
    rows = {(row.asked, row.average): row.at[0] for row in figures.precisions}
    difference = styles.compare(predictions, other).measures[0].difference
    for figure, ends in (
        (rows["style", "micro"], golden["track"]),
        (rows["style, one window", "micro"], golden["window"]),
        (difference, golden["difference"]),
    ):
        assert (figure.low, figure.high) == pytest.approx(ends, abs=0.012)


def test_two_models_are_compared_as_mcnemar_would(
    predictions: Predictions, other: Predictions, known: dict[str, Any]
) -> None:
    contrasts = styles.compare(predictions, other)
    golden = known["styles"]
    assert contrasts.mcnemar
    assert [contrasts.mcnemar.first_only, contrasts.mcnemar.second_only] == golden["discordant"]
    assert contrasts.mcnemar.p_value == pytest.approx(golden["p_value"])
    assert [row.name for row in contrasts.measures] == ["P@1", "P@2", "P@3", "P@1, mean of the styles"]
    assert [row.first for row in contrasts.measures[:3]] == pytest.approx(golden["precision"]["style"])
    assert contrasts.measures[3].first == pytest.approx(golden["macro"]["style"])
    for row in contrasts.measures:
        assert row.difference.value == pytest.approx(row.first - row.second)
        assert row.difference.low < row.difference.value < row.difference.high


def test_a_model_against_itself_differs_in_nothing(predictions: Predictions) -> None:
    contrasts = styles.compare(predictions, predictions)
    assert all(row.difference == Figure(0, 0, 0) for row in contrasts.measures)
    assert contrasts.mcnemar
    assert contrasts.mcnemar.p_value == 1


def test_areas_of_tags_are_the_golden_ones(
    arrays: dict[str, np.ndarray], known: dict[str, Any], config: Config
) -> None:
    names = np.array(["calm", "dark", "live", "never"])
    manifest = manifest_of(arrays, "tags", tuple(names), [names[row].tolist() for row in arrays["relevant"]])
    tagger = replace(config, task="tags", styles=["unasked", *names[::-1]], families={})
    scores = np.column_stack([np.zeros(120, np.float32), arrays["scores"][:, ::-1]])
    answers = tuple(Prediction(row[None], 10.0, 0.1) for row in scores)
    predictions = Predictions(tagger, Path("list.csv"), manifest, answers, ())
    found = tags.measure(predictions)
    assert [row.roc_auc.value for row in found.by_tag[:3]] == pytest.approx(known["tags"]["roc_auc"])
    assert [row.pr_auc.value for row in found.by_tag[:3]] == pytest.approx(known["tags"]["pr_auc"])
    assert np.isnan([found.by_tag[3].roc_auc.value, found.by_tag[3].pr_auc.value]).all()
    assert found.measured == 3
    assert found.roc_auc.value == pytest.approx(np.mean(known["tags"]["roc_auc"]))
    assert found.pr_auc.value == pytest.approx(np.mean(known["tags"]["pr_auc"]))
    assert found.chance == pytest.approx(arrays["relevant"][:, :3].mean())
    assert found.roc_auc.low < found.roc_auc.value < found.roc_auc.high
    worse = replace(predictions, predicted=tuple(Prediction(1 - each.windows, 10.0, 0.1) for each in answers))
    roc = tags.compare(predictions, worse).measures[0]
    assert (roc.first, roc.second) == pytest.approx((found.roc_auc.value, 1 - found.roc_auc.value))
    assert roc.difference.low > 0


def test_a_tag_that_all_tracks_have_is_not_measured_and_not_in_the_means(config: Config) -> None:
    labels = [("all", "some"), ("all",), ("all", "some"), ("all",)]
    manifest = Manifest(
        "tags",
        ("all", "some"),
        tuple(ManifestEntry(Path(f"/{n}.wav"), each, artist=f"Artist {n}") for n, each in enumerate(labels)),
    )
    scores = np.array([[0.9, 0.8], [0.1, 0.7], [0.5, 0.6], [0.4, 0.1]], np.float32)
    tagger = replace(config, task="tags", styles=["all", "some"], families={})
    found = tags.measure(
        Predictions(tagger, Path("list.csv"), manifest, tuple(Prediction(row[None], 10.0, 0.1) for row in scores), ())
    )
    assert np.isnan([found.by_tag[0].roc_auc.value, found.by_tag[0].pr_auc.value]).all()
    assert found.measured == 1
    assert found.roc_auc.value == pytest.approx(0.75)
    assert found.pr_auc.value == pytest.approx((1 + 2 / 3) / 2)
    assert found.chance == pytest.approx(0.5)


def test_errors_of_values_are_the_golden_ones(
    arrays: dict[str, np.ndarray], known: dict[str, Any], config: Config
) -> None:
    manifest = manifest_of(arrays, "values", ("tempo", "mood"), arrays["truth"].tolist())
    estimator = replace(config, task="values", styles=["mood", "tempo"], families={})
    answers = tuple(Prediction(row[None, ::-1], 10.0, 0.1) for row in arrays["estimate"])
    predictions = Predictions(estimator, Path("list.csv"), manifest, answers, ())
    found = values.measure(predictions)
    assert [row.name for row in found.by_value] == ["tempo", "mood"]
    for name, golden in known["values"].items():
        figures = [getattr(row, name) for row in found.by_value]
        assert [figure.value for figure in figures] == pytest.approx(golden, rel=1e-5)
        assert all(figure.low < figure.value < figure.high for figure in figures)
    off = replace(predictions, predicted=tuple(Prediction(each.windows + 50, 10.0, 0.1) for each in answers))
    contrast = values.compare(predictions, off).measures[0]
    assert contrast.name == "RMSE of tempo"
    assert contrast.first == pytest.approx(known["values"]["rmse"][0], rel=1e-5)
    assert contrast.difference.high < 0


# Intervals where the bootstrap knows nothing


def test_where_all_tracks_are_right_the_interval_is_wilsons_of_the_artists() -> None:
    labels, certain = np.zeros(20, np.intp), np.tile([1.0, 0.0], (20, 1))
    figure = precision(labels, certain, np.arange(20) // 4)
    assert [figure.value, figure.low, figure.high] == pytest.approx([1, 0.566, 1], abs=1e-3)


def test_one_artist_alone_says_little() -> None:
    labels = np.array([0, 0, 0, 1])
    figure = precision(labels, np.tile([1.0, 0.0], (4, 1)), np.zeros(4, np.intp))
    assert figure.value == 0.75
    assert figure.high - figure.low > 0.75


# The record


def test_mistakes_are_the_surest_wrong_answers(figures: styles.StyleFigures, predictions: Predictions) -> None:
    confidences = [mistake.confidence for mistake in figures.mistakes]
    assert len(confidences) == 20
    assert confidences == sorted(confidences, reverse=True)
    assert all(mistake.style != mistake.answer for mistake in figures.mistakes)
    answers, labels = predictions.tracks(), predictions.labels()
    wrong = answers.argmax(1) != labels
    assert confidences[0] == answers[wrong].max()
    assert figures.mistakes[0].path == f"{np.flatnonzero(wrong)[answers[wrong].max(1).argmax()]:03}.wav"


def test_the_record_counts_what_was_heard(predictions: Predictions, arrays: dict[str, np.ndarray]) -> None:
    record = evaluated(predictions)
    assert (record.model, record.manifest, record.split, record.task) == ("six", "/music/list.csv", "test", "styles")
    assert record.artists == len(set(arrays["artists"].tolist()))
    assert record.windows == arrays["counts"].sum()
    assert record.tracks[0].truth == ("ABCDE"[arrays["labels"][0]],)
    assert record.tracks[0].answer == pytest.approx(arrays["windows"][: arrays["counts"][0]].mean(0))


def test_json_holds_all_figures_in_plain_values(predictions: Predictions, other: Predictions) -> None:
    record = evaluated(predictions, other)
    stored = json.loads(json.dumps(record.as_json(), allow_nan=False))
    assert stored["format"] == 1
    assert stored["figures"]["precisions"][0]["at"][0]["value"] == pytest.approx(7 / 12, abs=1e-5)
    assert stored["figures"]["reliability"]["accuracy"][0] is None  # nobody is so unsure
    assert stored["opponent"]["model"] == "other"
    assert stored["opponent"]["contrasts"]["mcnemar"]["both"] > 0
    assert [len(track["answer"]) for track in stored["tracks"]] == [6] * 120
    assert stored["speed"] == {"audio": 3000.0, "wall": 20.0, "cpu": 30.0, "workers": 2}


def test_models_are_compared_on_what_both_have_heard(predictions: Predictions, other: Predictions) -> None:
    entries = predictions.manifest.entries
    failure = UnreadableAudio(entries[0].path, "damaged")
    partial = replace(
        other,
        manifest=replace(other.manifest, entries=entries[1:]),
        predicted=other.predicted[1:],
        failures=(failure,),
    )
    first, second = in_common(predictions, partial)
    assert first.manifest.entries == second.manifest.entries == entries[1:]
    assert first.predicted == predictions.predicted[1:]
    record = evaluated(predictions, partial)
    assert len(record.tracks) == 119
    assert record.failures == (("000.wav", "damaged"),)


def test_models_of_one_name_are_told_apart(predictions: Predictions) -> None:
    opponent = evaluated(predictions, predictions).opponent
    assert opponent
    assert opponent.model == "six (other)"


# Which tracks


def entry(name: str, label: str, artist: str = "", split: str = "test") -> ManifestEntry:
    return ManifestEntry(Path(f"/music/{name}.wav"), (label,), artist=artist, split=split)


ENTRIES = (
    entry("a", "Up", "Ann"),
    entry("b", "Polka", "Bob"),
    entry("c", "Down", "Cid", "train"),
    entry("d", "Waltz", "Dan", "train"),
)
LIST = Path("list.csv")


def chosen(
    entries: tuple[ManifestEntry, ...], config: Config, split: str = "test", *, skip_unknown: bool = False
) -> Selection:
    manifest = Manifest("styles", ("Down", "Polka", "Up", "Waltz"), entries)
    return select(manifest, LIST, split, [config], skip_unknown=skip_unknown)


@pytest.fixture(scope="module")
def tiny_config(tiny: Path) -> Config:
    """Return the config of the tiny model: Still, Up and Down."""
    return read_config(tiny)


def test_classes_that_the_model_does_not_know_are_an_error_that_lists_them(tiny_config: Config) -> None:
    with pytest.raises(
        ManifestError,
        match=r"^list\.csv: classes that the model does not know: Polka \(tiny\); --skip-unknown leaves them out$",
    ):
        chosen(ENTRIES, tiny_config)


def test_classes_that_the_model_does_not_know_can_be_left_out(tiny_config: Config) -> None:
    selection = chosen(ENTRIES, tiny_config, skip_unknown=True)
    assert [each.path.stem for each in selection.manifest.entries] == ["a"]
    assert (selection.skipped, selection.left_out) == (("Polka",), 1)
    assert selection.manifest.classes == ("Up",)


def test_classes_that_only_other_parts_have_are_not_asked_for(tiny_config: Config) -> None:
    selection = chosen(ENTRIES[:1] + ENTRIES[2:], tiny_config)
    assert (selection.manifest.classes, selection.skipped) == (("Up",), ())


def test_where_the_model_knows_nothing_there_is_nothing_to_ask(tiny_config: Config) -> None:
    with pytest.raises(ManifestError, match=r"^list\.csv: the model knows none of the classes$"):
        chosen(ENTRIES[1:2], tiny_config, skip_unknown=True)


def test_a_part_without_tracks_is_an_error(tiny_config: Config) -> None:
    with pytest.raises(ManifestError, match=r"^list\.csv: no track is in the split 'valid'$"):
        chosen(ENTRIES, tiny_config, "valid")


def test_a_model_for_another_task_is_an_error(tiny_config: Config) -> None:
    tagger = replace(tiny_config, task="tags")
    with pytest.raises(ManifestError, match=r"^list\.csv: it is about styles, but the model tiny is for tags$"):
        chosen(ENTRIES, tagger)


def test_unknown_tags_and_values_are_left_out_and_their_tracks_stay(tiny_config: Config) -> None:
    tagger, estimator = (replace(tiny_config, task=task) for task in ("tags", "values"))
    tagged = Manifest("tags", ("Up", "odd"), (ManifestEntry(Path("a"), ("odd", "Up"), split="test"),))
    selection = select(tagged, LIST, "test", [tagger], skip_unknown=True)
    assert selection.manifest.entries[0].labels == ("Up",)
    assert (selection.skipped, selection.left_out) == (("odd",), 0)
    valued = Manifest("values", ("odd", "Up"), (ManifestEntry(Path("a"), values=(1.0, 2.0), split="test"),))
    selection = select(valued, LIST, "test", [estimator], skip_unknown=True)
    assert (selection.manifest.classes, selection.manifest.entries[0].values) == (("Up",), (2.0,))


def test_artists_on_both_sides_are_named(tiny_config: Config) -> None:
    both = (*[entry(f"t{n}", "Up", f"Artist {n}", "train") for n in range(8)], entry("own", "Up", "Somebody"))
    guests = tuple(entry(f"g{n}", "Down", f"ARTIST {n} feat. Ann") for n in range(7))
    (warning, few) = chosen((*both, *guests), tiny_config).warnings
    assert warning == (
        "7 artists are also in the train part of the manifest: ARTIST 0 feat. Ann, ARTIST 1 feat. Ann, "
        "ARTIST 2 feat. Ann, ARTIST 3 feat. Ann, ARTIST 4 feat. Ann and 2 more. A model trained on it may know them "
        "by their sound."
    )
    assert few == "All figures rest on 8 tracks: mind the intervals."


def test_tracks_of_nobody_are_counted(tiny_config: Config) -> None:
    warnings = chosen((entry("a", "Up"), entry("b", "Up", "Ann")), tiny_config).warnings
    assert warnings[0].startswith("The artist of 1 of the 2 tracks is unknown")


def test_many_tracks_of_few_artists_are_few(tiny_config: Config) -> None:
    many = tuple(entry(f"{n}", "Up", f"Artist {n % 9}") for n in range(90))
    assert chosen(many, tiny_config).warnings == ("All figures rest on the tracks of 9 artists: mind the intervals.",)
    more = tuple(entry(f"{n}", "Up", f"Artist {n % 10}") for n in range(90))
    assert chosen(more, tiny_config).warnings == ()


@pytest.mark.parametrize(
    "provenance", [{"manifest": "elsewhere/list.csv"}, {"tracks": {"train": 1, "valid": 0, "test": 1}}]
)
@pytest.mark.parametrize(("split", "warned"), [("test", False), ("train", True), ("all", True)])
def test_a_model_that_was_made_from_these_tracks_remembers_them(
    tiny_config: Config, provenance: dict[str, Any], split: str, *, warned: bool
) -> None:
    trained = replace(tiny_config, provenance=provenance)
    known = (entry("a", "Up", "Ann"), entry("b", "Up", "Bob", "train"))
    warnings = chosen(known, trained, split).warnings
    assert any("how well it remembers" in warning for warning in warnings) is warned
    strange = replace(tiny_config, provenance={"manifest": "other.csv", "tracks": {"train": 2, "valid": 0, "test": 1}})
    assert not any("remembers" in warning for warning in chosen(known, strange, split).warnings)


# What was said


@pytest.fixture
def rising(tmp_path: Path) -> Path:
    """Return a file of three seconds: silence, then up, then down."""
    return write_wav(tmp_path / "rising.wav", np.repeat(np.array([0.0, 0.2, -0.4], np.float32), 8000), 8000)


@pytest.mark.parametrize(
    ("task", "meaning"),
    [
        ("styles", lambda logits: np.exp(logits) / np.exp(logits).sum(1, keepdims=True)),
        ("tags", lambda logits: 1 / (1 + np.exp(-logits))),
        ("values", lambda logits: logits),
    ],
)
def test_each_window_is_answered_in_the_way_of_the_task(
    tmp_path: Path, rising: Path, task: LearningTask, meaning: Callable[[np.ndarray], np.ndarray]
) -> None:
    model = tiny_bundle(tmp_path / "model", task=task)
    before = time.process_time()
    answer = open_predictor(model)(rising)
    assert answer.windows == pytest.approx(meaning(np.array([[0, 0, 0], [0, 2, -2], [0, -4, 4]])), abs=1e-3)
    assert answer.seconds == pytest.approx(3)
    assert 0 < answer.cpu <= time.process_time() - before


def test_a_file_that_is_no_audio_is_no_answer(tmp_path: Path, tiny: Path) -> None:
    (tmp_path / "empty.wav").touch()
    with pytest.raises(UnreadableAudio, match="the file is empty"):
        open_predictor(tiny)(tmp_path / "empty.wav")


def test_a_track_is_predicted_as_it_is_heard_and_silence_does_not_vote(tmp_path: Path, tiny: Path) -> None:
    rising = np.concatenate([np.linspace(0, 1, 24_000, dtype=np.float32), np.zeros(40_000, np.float32)])
    file = write_wav(tmp_path / "ends.wav", rising, 8000)
    manifest = Manifest("styles", ("Up",), (ManifestEntry(file, ("Up",)),))
    opened = Model.open(tiny)
    predictions = collect(opened.config, LIST, manifest, [open_predictor(tiny)(file)])
    assert predictions.tracks()[0] == pytest.approx(Listener(opened)(file).timeline.mean(), abs=1e-6)
    assert len(predictions.windows()[0]) == 8
    assert predictions.predicted[0].windows.mean(0) != pytest.approx(predictions.tracks()[0], abs=0.01)


def test_what_cannot_be_heard_is_set_apart(tiny_config: Config) -> None:
    failure = UnreadableAudio("/music/a.wav", "damaged")
    said = Prediction(np.array([[0.2, 0.8, 0.0], [0.6, 0.2, 0.2]], np.float32), 2.0, 0.1)
    manifest = Manifest("styles", ("Down", "Up"), (entry("a", "Down"), entry("b", "Up")))
    predictions = collect(tiny_config, Path("/music/list.csv"), manifest, [failure, said])
    assert (predictions.names(), predictions.failures) == (("b.wav",), (failure,))
    assert predictions.tracks() == pytest.approx(np.array([[0.4, 0.5, 0.1]]))
    assert predictions.labels().tolist() == [1]  # Up is the second output, and the second class
    assert predictions.columns().tolist() == [2, 1]
    windows, track_of = predictions.windows()
    assert (windows.shape, track_of.tolist()) == ((2, 3), [0, 0])


def test_where_nothing_can_be_heard_the_manifest_is_to_blame(tiny_config: Config) -> None:
    manifest = Manifest("styles", ("Up",), (entry("a", "Up"),))
    with pytest.raises(ManifestError, match=r"^list\.csv: none of the 1 tracks can be heard$"):
        collect(tiny_config, LIST, manifest, [UnreadableAudio("/music/a.wav", "damaged")])


def test_artists_are_told_apart_by_their_names_and_nobody_is_anybodys_artist(tiny_config: Config) -> None:
    names = ("Ann", "", "The ANN", "Bob", "", "ann feat. Bob")
    entries = tuple(entry(str(number), "Up", name) for number, name in enumerate(names))
    answer = Prediction(np.ones((1, 3), np.float32), 1.0, 0.1)
    predictions = collect(tiny_config, LIST, Manifest("styles", ("Up",), entries), [answer] * 6)
    artists = predictions.artists().tolist()
    assert artists[0] == artists[2] == artists[5]
    assert len(set(artists)) == 4


def test_paths_are_shown_without_the_home_of_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/home/ann"))
    folder = Path("/home/ann/lists")
    assert shown(Path("/home/ann/lists/techno/a.wav"), folder) == "techno/a.wav"
    assert shown(Path("/home/ann/music/a.wav"), folder) == "~/music/a.wav"
    assert shown(Path("/disk/a.wav"), folder) == "/disk/a.wav"
