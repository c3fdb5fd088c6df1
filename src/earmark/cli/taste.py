"""`earmark learn-taste` and `earmark recommend`: what fits what is listened to."""

from pathlib import Path
from typing import Annotated

import typer

from earmark.cli.messages import complain, say, some
from earmark.cli.shared_options import (
    AsJson,
    Bpm,
    Catalogued,
    Family,
    Genre,
    Keys,
    Limit,
    OnePerArtist,
    Paths,
    Playlist,
    ReplacePlaylist,
    Style,
    Variety,
    require_one_form,
)

TasteFile = Annotated[Path | None, typer.Option(help="The file of the taste; by default one in the user's folder.")]


def learn_taste(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="rekordbox XML, Traktor NML (collection, playlists, History), M3U8; or folders with such files.",
        ),
    ],
    moved: Annotated[
        list[str] | None, typer.Option(metavar="OLD=NEW", help="The files lie elsewhere on this machine.")
    ] = None,
    model: Annotated[
        str, typer.Option(help="Take what this model heard; by default the one that most tracks were heard by.")
    ] = "",
    taste: TasteFile = None,
    catalogue: Catalogued = None,
) -> None:
    """Learn what belongs together for you, from your playlists, your history and your plays."""
    from earmark.app.catalogue import open_catalogue
    from earmark.app.taste import learn_taste as learn
    from earmark.app.taste import taste_path

    places: dict[str, Path] = {}
    for each in moved or ():
        old, _, new = each.partition("=")
        if not old or not new:
            raise typer.BadParameter(f"--moved must be of the form OLD=NEW, not {each!r}", param_hint="--moved")
        places[old] = Path(new)
    out = taste_path(taste)
    with open_catalogue(catalogue) as opened:
        learned = learn(opened, sources, out, moved=places, model=model)
    if learned.exported:
        complain(f"left out: {some(learned.exported, 'playlist')} in a folder `earmark`, as earmark exports them")
    if learned.elsewhere:
        complain(f"left out: {some(learned.elsewhere, 'track')} of streaming services, which are no files")
    if learned.unheard:
        complain(f"left out: {some(learned.unheard, 'track')} that the catalogue has not heard")
    say(f"learned from {some(learned.contexts, 'playlist')} and evenings with {some(learned.tracks, 'track')}")
    say(f"how a track sounds explains {max(0.0, learned.explained):.0%} of where it belongs, for tracks left out")
    say(f"written: {out}")


def recommend(
    playlist: Annotated[
        list[str] | None, typer.Option(help="A playlist or evening that was learned from; may be repeated.")
    ] = None,
    like: Annotated[
        list[str] | None, typer.Option(help="A file, or words that mean one track, instead; may be repeated.")
    ] = None,
    new: Annotated[bool, typer.Option("--new", help="Only tracks that are in no playlist, and never played.")] = False,
    limit: Limit = 10,
    variety: Variety = 0.0,
    one_per_artist: OnePerArtist = False,
    style: Style = "",
    family: Family = "",
    bpm: Bpm = "",
    key: Keys = None,
    genre: Genre = "",
    m3u8: Playlist = None,
    replace: ReplacePlaylist = False,
    paths: Paths = False,
    as_json: AsJson = False,
    taste: TasteFile = None,
    catalogue: Catalogued = None,
) -> None:
    """Recommend tracks of the catalogue that fit what you listen to, or a playlist, or some tracks."""
    require_one_form(paths=paths, as_json=as_json)
    if playlist and like:
        raise typer.BadParameter("--playlist and --like exclude each other")

    from earmark.app.catalogue import open_catalogue
    from earmark.app.exporting import require_writable
    from earmark.app.query import query as query_of
    from earmark.app.taste import known_taste
    from earmark.app.taste import recommend as recommended
    from earmark.cli.similar import print_found

    if m3u8:
        require_writable("m3u8", m3u8, replace=replace)
    learned = known_taste(taste)
    with open_catalogue(catalogue) as opened:
        try:
            wanted = query_of(opened, genre=genre, style=style, family=family, bpm=bpm, keys=key or ())
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        found = recommended(
            opened,
            learned,
            playlists=playlist or (),
            like=like or (),
            new=new,
            query=wanted,
            limit=limit,
            variety=variety,
            one_per_artist=one_per_artist,
        )
    print_found(found, m3u8=m3u8, paths=paths, as_json=as_json, named=True)
