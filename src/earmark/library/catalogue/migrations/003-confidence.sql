-- Tracks by how probable their first style is, found without reading what was heard in each of them.

CREATE INDEX analyses_by_confidence ON analyses (confidence);
