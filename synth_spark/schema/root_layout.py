"""The names of the files of a published root and of a run folder: nowhere else are they written out.

A published root (`publish.repository` says when each of them is written)::

    _commits/<number>.json         what was done: a publication, a rollback, a retirement; the last switch is current
    LATEST.json                    which release is current, for readers
    _manifests/<id>.json           what a release holds
    _documents/<id>/…              its documents, of which the root has copies: RELEASE.md, QUALITY.md, report.html …
    _publishing/<id>.json          there while a release is put in place
    <table>/run_id=<id>/…          the files of a table, in a store perhaps with a log of Delta

``_history.jsonl`` is what earlier versions kept in place of commits.

A run folder, which is SENSITIVE: ``manifest.json``, ``summary.json``, ``metrics.prom``, ``report.html``,
``contract.yml``. Beside the run folders: ``frames/<id>.parquet``, the copy of a frame that a run was given to read,
SENSITIVE; ``quarantine/<id>.md``, why a release is held.
"""

POINTER, DOCUMENTS, MANIFESTS = "LATEST.json", "_documents", "_manifests"
DELTA_LOG = "_delta_log/00000000000000000000.json"
COMMITS, MARKS, HISTORY = "_commits", "_publishing", "_history.jsonl"
RELEASE_TEXT, QUALITY_TEXT, REPORT, SHOWCASE = "RELEASE.md", "QUALITY.md", "report.html", "showcase.html"
SOURCES, EXPECTATIONS, VALIDATIONS = "sources.yml", "expectations.json", "validations.json"
RUN_MANIFEST, SUMMARY, METRICS, LOCK = "manifest.json", "summary.json", "metrics.prom", ".running"
FRAMES, QUARANTINE = "frames", "quarantine"
CONTRACT = "contract.yml"
