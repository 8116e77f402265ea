# The service `alpr serve` without torch and without the window; docs/service.md says how to use it. `.ci/image` carries
# out these steps in a clean Debian where no container engine runs.
FROM debian:12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-venv
WORKDIR /source
COPY requirements-slim.txt requirements-serve.txt ./
RUN python3 -m venv /opt/alpr && /opt/alpr/bin/pip install --no-cache-dir -r requirements-serve.txt
COPY pyproject.toml README.md LICENSE ./
COPY alpr_app alpr_app
COPY models models
COPY assets assets
RUN /opt/alpr/bin/pip install --no-cache-dir --no-deps . && /opt/alpr/bin/pip uninstall --yes pip setuptools

FROM debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends python3 && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/alpr /opt/alpr
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent alpr
USER 10001
ENV LANG=C.UTF-8
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/opt/alpr/bin/python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
# Others reach it: it starts with a token (ALPR_TOKEN, or --token-file with a mounted secret) or --without-token.
ENTRYPOINT ["/opt/alpr/bin/alpr", "serve", "--host", "0.0.0.0"]
