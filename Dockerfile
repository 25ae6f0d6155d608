# The packages of the workflow, for Docker, Podman and Apptainer (docs/how-to/reuse.md). The code is not in the image: mount
# a clone, so that the image changes only with requirements.txt.
#   docker build --tag handgrad .
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/work" handgrad --cores 8
# .ci/run tests this system with this Python (3.11).
FROM debian:12-slim

# git: run files name the revision of the code. Debian removes old versions from its mirrors, so versions are not pinned.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git python3 python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && git config --system --add safe.directory /work

COPY requirements.txt /opt/handgrad/
RUN python3 -m venv /opt/handgrad/venv \
    && /opt/handgrad/venv/bin/pip install --no-cache-dir --requirement /opt/handgrad/requirements.txt
# Snakemake asks for the name of the user, which --user leaves unknown
ENV PATH=/opt/handgrad/venv/bin:$PATH LOGNAME=handgrad

RUN useradd --create-home --uid 1000 handgrad
USER 1000
WORKDIR /work
ENTRYPOINT ["snakemake"]
