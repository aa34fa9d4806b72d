# Everything that a machine of a sweep needs, also the head and the workers of a Ray cluster.
#   docker build -t finetune-sweep:0.1.0 .                               for CPUs
#   docker build -t finetune-sweep:0.1.0-cuda --build-arg TORCH=cu130 .  for NVIDIA GPUs
#   docker run --shm-size=2g -v "$PWD/experiments:/experiments" finetune-sweep:0.1.0 \
#       finetune-sweep sweep smoke --profile embedded --root /experiments
# docs/clusters.md has the rest. Every machine of a cluster takes the same image.
FROM python:3.11-slim-bookworm

SHELL ["/bin/bash", "-o", "pipefail", "-c"]

# KubeRay's probes of a container ask with wget.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends wget \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /build
COPY constraints.txt pyproject.toml README.md LICENSE ./

# Which build of torch: "cpu", or "cu130" and the like, as PyTorch names them; the version is that of constraints.txt.
# A build for CUDA brings the libraries, the host the driver.
ARG TORCH=cpu
RUN pip install --no-cache-dir --no-deps --index-url "https://download.pytorch.org/whl/${TORCH}" \
    "$(grep '^torch==' constraints.txt)"
# What the package depends on, in a layer of its own: an edit of the sources installs none of it again.
RUN python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' \
    > requirements.txt \
    && pip install --no-cache-dir --constraint constraints.txt --requirement requirements.txt

COPY orchestrator orchestrator
COPY trainables trainables
COPY search_spaces search_spaces
RUN pip install --no-cache-dir --no-deps .

RUN useradd --create-home --uid 1000 sweep \
    && install --directory --owner=sweep /experiments
# By its number, as Kubernetes asks for where it allows no root.
USER 1000
WORKDIR /home/sweep
CMD ["finetune-sweep", "--help"]
