# The App for any user id, without network and on a read-only root; see docs/containers.md.
# Any slim image with Python 3.11 or newer and a C library of Debian's kind will do as a base.
ARG BASE_IMAGE=docker.io/library/python:3.12-slim-bookworm

# The package: a wheel of this tree, and the list of what it depends on.
FROM ${BASE_IMAGE} AS wheel
RUN python3 -m venv /opt/tools
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
RUN python3 -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
print(*p['dependencies'], *p['optional-dependencies']['validate'], sep='\n')" >requirements.txt
COPY bids_brainage bids_brainage
RUN /opt/tools/bin/python -m pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

# What it depends on. pip stays behind in this stage.
FROM ${BASE_IMAGE} AS install
RUN python3 -m venv /opt/tools && python3 -m venv --without-pip /opt/bids_brainage
ENV PIP="/opt/tools/bin/python -m pip --python /opt/bids_brainage"
WORKDIR /src
COPY constraints.txt ./
COPY --from=wheel /src/requirements.txt ./
# Torch for CPUs by default; with an empty TORCH_INDEX the registry's own, which brings CUDA.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
# Not shipped: test suites, and what torch has for compiling against it.
RUN ${PIP} install --no-cache-dir --no-compile -c constraints.txt \
      ${TORCH_INDEX:+--extra-index-url ${TORCH_INDEX}} torch \
 && ${PIP} install --no-cache-dir --no-compile -c constraints.txt -r requirements.txt \
 && cd /opt/bids_brainage/lib/python3*/site-packages \
 && rm -rf torch/include torch/share torch/test torch/bin/protoc* torch/bin/*[Tt]est* \
 && find . -type d -name tests -prune -exec rm -rf {} + \
 && find . -name '*.a' -delete

# Brain templates of TemplateFlow: from containers/templateflow, else fetched, else none.
FROM install AS templates
COPY containers containers
RUN /opt/bids_brainage/bin/python containers/templates.py containers/templateflow /opt/templateflow \
 && chmod -R a+rX /opt/templateflow

FROM ${BASE_IMAGE}
# ps is what workflow engines measure processes with; the libraries are what the wheels use.
RUN apt-get update \
 && apt-get install -y --no-install-recommends bash procps libgomp1 libstdc++6 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* \
 && useradd --create-home --uid 1000 brainage
COPY --from=install /opt/bids_brainage /opt/bids_brainage
COPY --from=templates /opt/templateflow /opt/templateflow
# All that the App reads stands outside HOME, and nothing is downloaded at run time.
ENV TEMPLATEFLOW_HOME=/opt/templateflow \
    TEMPLATEFLOW_AUTOUPDATE=off \
    MPLCONFIGDIR=/tmp/matplotlib \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    PYTHONNOUSERSITE=1
# The package comes last, so that a new version of it changes small layers only.
# A login shell resets PATH, but keeps /usr/local/bin.
RUN --mount=type=bind,from=wheel,source=/wheels,target=/wheels \
    python3 -m venv /tmp/tools \
 && /tmp/tools/bin/python -m pip --python /opt/bids_brainage install --no-index --no-deps \
      --no-cache-dir /wheels/*.whl \
 && ln -s /opt/bids_brainage/bin/bids_brainage /opt/bids_brainage/bin/brainage /usr/local/bin/ \
 && rm -rf /tmp/*
# Importing every module proves that they are all there and compiles what is used of the libraries;
# not templateflow, which would fill its home with empty files.
RUN /opt/bids_brainage/bin/python -c "import importlib, pkgutil, bids_brainage; \
[importlib.import_module(m.name) for m in pkgutil.walk_packages(bids_brainage.__path__, 'bids_brainage.') \
 if not m.name.endswith('__main__')]; \
import SimpleITK, ants, bids, nilearn.plotting, picsl_greedy" \
 && bids_brainage --version && brainage self-test --device cpu && rm -rf /tmp/* \
 && test -z "$(find /opt/templateflow -size 0)"
ENV PYTHONDONTWRITEBYTECODE=1
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="bids_brainage" \
      org.opencontainers.image.description="BIDS App for brain age and sex" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/bids-apps/bids_brainage" \
      org.opencontainers.image.documentation="https://github.com/bids-apps/bids_brainage/blob/main/docs/containers.md"
USER 1000:1000
WORKDIR /tmp
ENTRYPOINT ["/usr/local/bin/bids_brainage"]
