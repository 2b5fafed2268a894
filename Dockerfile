# The service with its embedded PostgreSQL. docs/operations.md says how to run it.
#
# The embedded PostgreSQL needs glibc 2.35 or later: Debian 12 has 2.36, Alpine has none.

FROM python:3.11-slim-bookworm AS base
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1

# The dependencies, each checked against its hash.
FROM base AS dependencies
COPY requirements/runtime.txt /build/
RUN python -m venv /opt/universal-calendar \
    && /opt/universal-calendar/bin/pip install \
        --require-hashes --only-binary :all: --requirement /build/runtime.txt

# The service's own wheel. The build tools are pinned too, and stay in this stage.
FROM base AS wheel
WORKDIR /build
COPY requirements/development.txt ./
RUN python -m venv tools \
    && tools/bin/pip install --require-hashes --requirement development.txt
COPY LICENSE README.md pyproject.toml ./
COPY src ./src
RUN tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir dist .

FROM base
# PostgreSQL refuses to run as root, and as a user without an entry in /etc/passwd.
RUN useradd --uid 10001 --user-group --no-log-init --no-create-home \
        --home-dir /var/lib/universal-calendar --shell /usr/sbin/nologin \
        universal-calendar \
    && install --directory --mode 0711 \
        --owner universal-calendar --group universal-calendar \
        /var/lib/universal-calendar
COPY --from=dependencies /opt/universal-calendar /opt/universal-calendar
RUN --mount=type=bind,from=wheel,source=/build/dist,target=/dist \
    /opt/universal-calendar/bin/pip install --no-deps --no-index /dist/*.whl

# An empty PYTHONTZPATH: the pinned time zones of the Python package, not the system's.
ENV PATH=/opt/universal-calendar/bin:$PATH \
    PYTHONTZPATH= \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    PORT=3901 \
    UC_HOME=/var/lib/universal-calendar
WORKDIR /var/lib/universal-calendar
USER universal-calendar
VOLUME /var/lib/universal-calendar
EXPOSE 3901
# Running bookings are finished and PostgreSQL is stopped: allow it 70 seconds.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as request; request.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/readyz', timeout=4)"]
ENTRYPOINT ["universal-calendar"]
CMD ["serve"]
