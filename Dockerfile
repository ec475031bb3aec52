# syntax=docker/dockerfile:1
# Any slim image with Python 3.11 or newer and a C library of Debian's kind will do.
ARG BASE_IMAGE=python:3.12-slim

FROM ${BASE_IMAGE} AS build
WORKDIR /src
COPY constraints.txt ./
# CPU build of torch by default; an empty TORCH_INDEX takes the registry's own (CUDA) build.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN python3 -m venv /opt/bids_brainage \
 && /opt/bids_brainage/bin/python -m pip install --no-cache-dir -c constraints.txt \
      ${TORCH_INDEX:+--extra-index-url ${TORCH_INDEX}} torch
COPY pyproject.toml README.md LICENSE CITATION.cff CHANGES.md ./
COPY bids_brainage bids_brainage
RUN /opt/bids_brainage/bin/python -m pip install --no-cache-dir -c constraints.txt ".[validate]" \
 && chmod -R a+rX /opt/bids_brainage

FROM ${BASE_IMAGE}
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="bids_brainage" \
      org.opencontainers.image.description="BIDS App for brain age and sex" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/bids-apps/bids_brainage"
# ps is what workflow engines measure processes with; libgomp is what torch and scikit-learn use.
RUN apt-get update \
 && apt-get install -y --no-install-recommends bash procps libgomp1 \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/bids_brainage /opt/bids_brainage
# Everything the App reads stands outside HOME and is readable by any user id; nothing is
# downloaded at run time. A TemplateFlow home for other atlases is mounted over /opt/templateflow.
RUN ln -s /opt/bids_brainage/bin/bids_brainage /usr/local/bin/bids_brainage \
 && ln -s /opt/bids_brainage/bin/brainage /usr/local/bin/brainage \
 && mkdir -p /opt/templateflow \
 && useradd --create-home --uid 1000 brainage
ENV TEMPLATEFLOW_HOME=/opt/templateflow \
    TEMPLATEFLOW_AUTOUPDATE=off \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONNOUSERSITE=1 \
    PYTHONDONTWRITEBYTECODE=1
USER brainage
WORKDIR /tmp
RUN bids_brainage --version && brainage models verify
ENTRYPOINT ["/usr/local/bin/bids_brainage"]
