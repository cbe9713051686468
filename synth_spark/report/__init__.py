"""The report of a release: content, and the formats that it is written in."""
