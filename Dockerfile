# The image of the services: the command decides which one runs.
#   docker build -t nhanhsync . && docker run nhanhsync job-tracker    (or sync-worker)
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/nhanhsync
COPY requirements.lock ./
RUN /opt/nhanhsync/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY clients ./clients
COPY services ./services
RUN /opt/nhanhsync/bin/pip install --no-cache-dir --no-deps --no-build-isolation ./clients .

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/nhanhsync --create-home nhanhsync
COPY --from=build /opt/nhanhsync /opt/nhanhsync
ENV PATH=/opt/nhanhsync/bin:$PATH PYTHONUNBUFFERED=1
WORKDIR /var/lib/nhanhsync
USER 10001
VOLUME /var/lib/nhanhsync
EXPOSE 50051 50052
CMD ["job-tracker"]
