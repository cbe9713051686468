"""The names of the files of a published root and of a run folder: nowhere else are they written out.

A published root (`publish.repository` says when each of them is written)::

    LATEST.json                    which release is current
    _manifests/<id>.json           what a release holds
    _documents/<id>/…              its documents, of which the root has copies: RELEASE.md, QUALITY.md, report.html …
    _history.jsonl                 one line a publication, rollback and retirement

A run folder, which is SENSITIVE: ``manifest.json``, ``summary.json``, ``metrics.prom``, ``report.html``,
``contract.yml``.
"""

POINTER, HISTORY, DOCUMENTS, MANIFESTS = "LATEST.json", "_history.jsonl", "_documents", "_manifests"
RELEASE_TEXT, QUALITY_TEXT, REPORT, SHOWCASE = "RELEASE.md", "QUALITY.md", "report.html", "showcase.html"
SOURCES, EXPECTATIONS, VALIDATIONS = "sources.yml", "expectations.json", "validations.json"
RUN_MANIFEST, SUMMARY, METRICS, LOCK = "manifest.json", "summary.json", "metrics.prom", ".running"
CONTRACT = "contract.yml"
