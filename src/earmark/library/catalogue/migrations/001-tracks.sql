-- A collection of tracks: the files, what was heard in them, and the words by which they are found.

PRAGMA application_id = 1700885101;  -- "earm"

CREATE TABLE models (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    styles TEXT NOT NULL,
    families TEXT NOT NULL,
    UNIQUE (name, version, styles, families)
);

-- What is small comes first: SQLite reads a row from its beginning, and no further than it must.
CREATE TABLE analyses (
    id INTEGER PRIMARY KEY,
    content TEXT NOT NULL,
    model INTEGER NOT NULL REFERENCES models,
    duration REAL,
    unknown INTEGER NOT NULL,
    style TEXT NOT NULL,
    family TEXT NOT NULL,
    confidence REAL,
    bpm REAL,
    bpm_confidence REAL,
    bpm_drift REAL,
    tonic INTEGER,
    minor INTEGER,
    key_confidence REAL,
    camelot TEXT NOT NULL,
    loudness REAL,
    loudness_range REAL,
    true_peak REAL,
    warnings TEXT NOT NULL,
    window REAL,
    starts BLOB NOT NULL,
    probabilities BLOB NOT NULL,
    embedding BLOB NOT NULL,
    beats BLOB,
    downbeats BLOB,
    loudness_curve BLOB,
    UNIQUE (content, model)
);

CREATE INDEX analyses_of_model ON analyses (model);

CREATE TABLE tracks (
    id INTEGER PRIMARY KEY,
    path NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    missing INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    added INTEGER NOT NULL,
    analysis INTEGER REFERENCES analyses,
    style TEXT NOT NULL DEFAULT '',
    family TEXT NOT NULL DEFAULT '',
    bpm REAL,
    camelot TEXT NOT NULL DEFAULT '',
    title TEXT NOT NULL,
    artist TEXT NOT NULL,
    album TEXT NOT NULL,
    genres TEXT NOT NULL,
    tag_styles TEXT NOT NULL,
    tag_bpm REAL,
    tag_key TEXT NOT NULL,
    energy TEXT NOT NULL,
    comment TEXT NOT NULL,
    provenance TEXT NOT NULL
);

CREATE INDEX tracks_of_content ON tracks (fingerprint);
CREATE INDEX tracks_of_analysis ON tracks (analysis);
CREATE INDEX tracks_missing ON tracks (missing);

CREATE TABLE moves (
    id INTEGER PRIMARY KEY,
    track INTEGER NOT NULL REFERENCES tracks ON DELETE CASCADE,
    path NOT NULL,
    moved INTEGER NOT NULL
);

CREATE INDEX moves_of_track ON moves (track);

-- The words by which a track is found. What was heard is a word as well: an index of words finds the tracks that have
-- several of them, and counts them, faster than any index of columns, however they are combined. Style and family are
-- written in hexadecimal, which makes one word of them; t1259 is a tempo of 125.9 BPM, and u125 one of 125 to 126.
CREATE VIEW searchable (id, path, title, artist, album, genres, heard) AS
SELECT id, CAST(path AS TEXT), CAST(title AS TEXT), CAST(artist AS TEXT), CAST(album AS TEXT), CAST(genres AS TEXT),
    's' || hex(style) || ' f' || hex(family) || ' k' || camelot
    || coalesce(' t' || CAST(round(bpm * 10) AS INTEGER) || ' u' || (CAST(round(bpm * 10) AS INTEGER) / 10), '')
    || CASE WHEN analysis IS NOT NULL AND style = '' THEN ' unknown' ELSE '' END
    || CASE WHEN error <> '' THEN ' failed' ELSE '' END
    || CASE WHEN missing THEN ' missing' ELSE '' END
FROM tracks;

CREATE VIRTUAL TABLE search USING fts5 (
    path, title, artist, album, genres, heard,
    content = 'searchable', content_rowid = 'id', tokenize = "unicode61 remove_diacritics 2"
);

CREATE TRIGGER tracks_inserted AFTER INSERT ON tracks BEGIN
    INSERT INTO search (rowid, path, title, artist, album, genres, heard)
    SELECT * FROM searchable WHERE id = new.id;
END;

CREATE TRIGGER tracks_updating
BEFORE UPDATE OF path, title, artist, album, genres, analysis, style, family, bpm, camelot, error, missing ON tracks BEGIN
    INSERT INTO search (search, rowid, path, title, artist, album, genres, heard)
    SELECT 'delete', * FROM searchable WHERE id = old.id;
END;

CREATE TRIGGER tracks_updated
AFTER UPDATE OF path, title, artist, album, genres, analysis, style, family, bpm, camelot, error, missing ON tracks BEGIN
    INSERT INTO search (rowid, path, title, artist, album, genres, heard)
    SELECT * FROM searchable WHERE id = new.id;
END;

CREATE TRIGGER tracks_deleting BEFORE DELETE ON tracks BEGIN
    INSERT INTO search (search, rowid, path, title, artist, album, genres, heard)
    SELECT 'delete', * FROM searchable WHERE id = old.id;
END;
