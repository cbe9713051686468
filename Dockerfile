# The demo as a user that is not root; its release is left in the volume:
#   docker build -t synth-spark . && docker run --rm -v synth-spark-demo:/demo synth-spark
# Another command takes its place: docker run --rm -v VOLUME:/data synth-spark run --input /data/cases.csv --output /data/out
FROM python:3.11-slim-bookworm

RUN apt-get update \
    && apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 synth \
    && install -d -o synth -g synth -m 0700 /demo /opt/synth-spark

USER synth
WORKDIR /opt/synth-spark
RUN python -m venv .venv
ENV PATH=/opt/synth-spark/.venv/bin:$PATH

# packages first: they change less often than the code
COPY --chown=synth requirements.lock ./
COPY --chown=synth conf/setup conf/setup
RUN python conf/setup/needed.py requirements.lock hatchling > /tmp/needed.lock \
    && DIST_EXTRA_CONFIG=/opt/synth-spark/conf/setup/build.cfg sh conf/setup/packages.sh .venv/bin /tmp/needed.lock \
    && rm -rf /tmp/needed.lock ~/.cache
COPY --chown=synth pyproject.toml README.md LICENSE ./
COPY --chown=synth conf conf
COPY --chown=synth synth_spark synth_spark
RUN python -m pip install --quiet --no-deps --no-build-isolation . && python -m pip check && synth-spark warm

WORKDIR /demo
ENTRYPOINT ["synth-spark"]
CMD ["demo", "--output", "/demo"]
