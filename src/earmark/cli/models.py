"""`earmark models`: which models are there?"""


def models() -> None:
    """List the models that come with earmark."""
    from earmark.cli import show
    from earmark.hearing.bundle import NETWORK, read_config, shipped

    rows = []
    for name, folder in shipped().items():
        config = read_config(folder)
        size = (folder / NETWORK).stat().st_size / 1e6
        accuracy = config.measures.get("precision_at_1", "")
        rows.append(
            (
                name,
                str(len(config.styles)),
                config.architecture,
                f"{size:.1f} MB",
                str(accuracy),
                config.provenance["summary"],
            ),
        )
    show.stdout().print(show.models_table(rows))
